"""
What takes minutes: load with a reload every second, and a daemon that is killed again and
again. NM_SOAK_S and NM_SOAK_KILLS make it shorter or longer.
"""

import collections
import os
import random
import statistics
import time

from harness.case import SiteCase, main
from harness.load import Clients, assert_recorded, smtp_source

SOAK_S = int(os.environ.get("NM_SOAK_S", "600"))
KILLS = int(os.environ.get("NM_SOAK_KILLS", "60"))
BATCH = 500
RECIPIENTS = 20
WARM_BATCHES = 20  # fill most of SQLite's cache, so that memory grows little for that
# Of the daemon's memory, from the third quarter of the time to the last; and all of it, for
# the caches fill up slowly: 32 MiB of pages, 10 of names, and the program itself.
GROWTH_MAX = 1.05
MEMORY_MAX_KB = 64 * 1024


def quarters_of(values):
    return [values[len(values) * n // 4 : len(values) * (n + 1) // 4] for n in range(4)]


class ReloadsCase(SiteCase):
    # Nothing is to be delivered here: smtp-sink would write a file for each message.
    site_options = {"settings": {"default_transport": "discard"}}
    config = {"rules": [{"name": "mark", "confidence": 0.5, "action": "tag"}]}

    def memory_kb(self):
        with open(f"/proc/{self.daemon.server.pid}/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))

    def batch(self):
        return smtp_source(self.postfix, self.sender, self.at("army.ml"), BATCH, RECIPIENTS)

    def soak(self):
        """Batches of mail without a pause, and a reload every second; how many messages
        there were, and the daemon's memory in each quarter of the time."""
        for _ in range(WARM_BATCHES):
            self.assertEqual(self.batch().wait(), 0)
        batch, batches, memory = self.batch(), WARM_BATCHES + 1, []
        end = time.monotonic() + SOAK_S
        while time.monotonic() < end:
            if batch.poll() is not None:
                self.assertEqual(batch.returncode, 0)
                batch, batches = self.batch(), batches + 1
            memory.append(self.memory_kb())
            self.daemon.configure({**self.config, "max_refusals": len(memory) % 20})
            self.daemon.ask("reload")
            time.sleep(1)
        self.assertEqual(batch.wait(), 0)
        quarters = [int(statistics.median(part)) for part in quarters_of(memory)]
        print(f"{batches * BATCH} messages, {len(memory)} reloads, {quarters} KiB")
        return batches * BATCH, quarters

    def test_reloads_under_load_lose_no_row_and_leak_nothing(self):
        messages, quarters_kb = self.soak()
        self.postfix.settle_all()
        outcomes = collections.Counter()
        per_message = collections.Counter()
        configs = collections.defaultdict(set)
        for row in self.daemon.each_row():
            outcomes[row["outcome"]] += 1
            per_message[row["transaction"]] += 1
            configs[row["transaction"]].add(row["config"])
        self.assertEqual(outcomes, {"passed": messages * RECIPIENTS})
        self.assertEqual(set(per_message.values()), {RECIPIENTS})
        self.assertEqual({len(some) for some in configs.values()}, {1})
        if not os.environ.get("NM_SANITIZE"):  # they keep what was freed for a while
            self.assertLess(quarters_kb[3], quarters_kb[2] * GROWTH_MAX)
            self.assertLess(quarters_kb[3], MEMORY_MAX_KB)


class KillsCase(SiteCase):
    def test_no_kill_loses_what_was_answered(self):
        clients = Clients(self)
        try:
            for _ in range(KILLS):
                clients.until_answered(len(clients.queue_ids) + random.randrange(1, 30))
                self.daemon.kill()
                self.daemon.start()
        finally:
            clients.finish()
        assert_recorded(self, clients)


if __name__ == "__main__":
    main(longest_s=2 * SOAK_S + 600)
