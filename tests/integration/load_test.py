"""
Many clients at once while the daemon is reloaded, stopped or killed: whatever was
answered is on record, and what was not answered was not lost. For a run under TSan.
"""

import collections
import signal
import subprocess
import threading

from harness.case import SiteCase, main, message
from harness.smtp import Smtp
from harness.wait import until

CLIENTS = 8


class Clients:
    """Clients that send one message after the other, each to a near miss and a good
    recipient, until they are told to stop; and every answer that they got."""

    def __init__(self, case):
        self._case = case
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.references = []  # of refused recipients
        self.queue_ids = []  # of messages that were accepted
        self.put_off = 0
        self.faults = []
        self._threads = [
            threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, number):
        try:
            while not self._over.is_set():
                with Smtp(self._case.postfix.port.address) as session:
                    session.hello()
                    for _ in range(5):
                        self._one_message(session, number)
        except Exception as fault:  # handed to the case, which fails with it
            with self._lock:
                self.faults.append(fault)

    def _one_message(self, session, number):
        case = self._case
        session.command("RSET")
        answers = {"MAIL": session.mail(case.sender)}
        if answers["MAIL"].code == 250:
            answers["bad"] = session.rcpt(case.at("army.ml", local=f"u{number}"))
            answers["good"] = session.rcpt(case.at("army.mil", local=f"u{number}"))
        if "good" in answers and answers["good"].code == 250:
            answers["end"] = session.data(message(case.mark))
        expected = {"MAIL": 250, "bad": 550, "good": 250, "end": 250}
        with self._lock:
            for part, reply in answers.items():
                if reply.code == 451:
                    self.put_off += 1
                elif reply.code != expected[part]:
                    self.faults.append(reply)
                elif part == "bad":
                    self.references.append(reply.reference)
                elif part == "end":
                    self.queue_ids.append(reply.queue_id)

    def until_answered(self, count):
        until(
            f"{count} answers",
            lambda: self.faults or min(len(self.references), len(self.queue_ids)) >= count,
        )

    def until_put_off(self):
        until("mail is put off", lambda: self.faults or self.put_off >= CLIENTS)

    def finish(self):
        self._over.set()
        for thread in self._threads:
            thread.join()


class EndUnderLoadCase(SiteCase):
    def check_end(self, end):
        """`end` the daemon while clients send, start it anew, and compare."""
        clients = Clients(self)
        try:
            clients.until_answered(40)
            end()
            clients.until_put_off()
            self.daemon.start()
            clients.until_answered(80)
        finally:
            clients.finish()
        self.assertEqual(clients.faults, [])
        self.postfix.settle(clients.queue_ids)
        self.assertEqual(self.queue(), [])
        rows = self.daemon.rows(self.mark)
        by_id = {row["id"]: row for row in rows}
        self.assertEqual(len(by_id), len(rows))
        for reference in clients.references:
            self.assertEqual(by_id[reference]["action"], "reject")
        passed = [
            row["queue_id"]
            for row in rows
            if row["outcome"] == "passed" and row["action"] == "accept"
        ]
        # A message may have passed without the client having heard of it, never the
        # other way round.
        self.assertEqual(set(clients.queue_ids) - set(passed), set())
        self.assertEqual(len(set(passed)), len(passed))
        arrived = self.site.sink.deliveries(self.mark)
        self.assertEqual(len(arrived), len(clients.queue_ids))
        for delivery in arrived:
            self.assertTrue(delivery.recipients[0].endswith("@army.mil"))

    def test_a_stop_under_load_loses_nothing(self):
        self.check_end(self.daemon.stop)

    def test_a_kill_under_load_loses_nothing(self):
        self.check_end(self.daemon.kill)


class ReloadUnderLoadCase(SiteCase):
    """Two configurations in turn, one that tags and one that lets through."""

    RELOADS = 12
    MESSAGES = 150
    RECIPIENTS = 3

    def rule(self, action):
        return {"rules": [{"name": action, "confidence": 0.5, "action": action}]}

    def load(self):
        """One batch of messages, from many connections at once."""
        return subprocess.Popen(
            [
                "smtp-source",
                *("-s", str(CLIENTS)),
                *("-m", str(self.MESSAGES)),
                *("-r", str(self.RECIPIENTS)),
                *("-l", "512"),
                *("-f", self.sender),
                *("-t", self.at("army.ml")),
                f"{self.postfix.port.host}:{self.postfix.port.number}",
            ],
            stderr=subprocess.PIPE,
            text=True,
        )

    def reload(self, number):
        """Another configuration, by the tool and by the signal in turn; its action."""
        action = "tag" if number % 2 else "accept"
        self.daemon.configure(self.rule(action))
        if number % 4 < 2:
            self.daemon.ask("reload")
        else:
            self.daemon.server.send_signal(signal.SIGUSR1)

    def run_load(self):
        """Reload while batches are under way; how many batches there were."""
        self.daemon.configure(self.rule("accept"))
        self.daemon.ask("reload")
        batches = reloads = 0
        while reloads < self.RELOADS:
            batch = self.load()
            batches += 1
            while batch.poll() is None:
                reloads += 1
                self.reload(reloads)
            self.assertEqual(batch.returncode, 0, batch.stderr.read())
            batch.stderr.close()
        return batches

    def test_a_reload_under_load_loses_no_row_and_mixes_none(self):
        messages = self.MESSAGES * self.run_load()
        self.postfix.settle_all()
        rows = self.daemon.settled_rows(self.mark, messages * self.RECIPIENTS)
        self.assertEqual(len(rows), messages * self.RECIPIENTS)
        self.assertEqual({row["outcome"] for row in rows}, {"passed"})
        per_message = collections.defaultdict(list)
        action_of = {}
        for row in rows:
            per_message[row["transaction"]].append(row)
            self.assertEqual(action_of.setdefault(row["config"], row["action"]), row["action"])
        self.assertEqual(sorted(action_of.values()), ["accept", "tag"])
        self.assertEqual(len(per_message), messages)
        for group in per_message.values():
            self.assertEqual(len(group), self.RECIPIENTS)
            self.assertEqual(len({(row["config"], row["queue_id"]) for row in group}), 1)
        tagged = {group[0]["id"] for group in per_message.values() if group[0]["action"] == "tag"}
        deliveries = self.site.sink.deliveries(self.mark)
        self.assertEqual(len(deliveries), messages)
        tags = [tag for delivery in deliveries for tag in delivery.header("X-Nearmiss")]
        self.assertEqual(sorted(tags), sorted(tagged))


if __name__ == "__main__":
    main()
