"""
Many clients at once while the daemon is reloaded, stopped or killed: whatever was
answered is on record, and what was not answered was not lost. For a run under TSan.
"""

import collections
import signal

from harness.case import SiteCase, main
from harness.load import Clients, assert_recorded, smtp_source


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
        assert_recorded(self, clients)

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
            batch = smtp_source(
                self.postfix,
                self.sender,
                self.at("army.ml"),
                self.MESSAGES,
                self.RECIPIENTS,
            )
            batches += 1
            while batch.poll() is None:
                reloads += 1
                self.reload(reloads)
            self.assertEqual(batch.returncode, 0)
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
        tagged = [
            group[0]["id"] for group in per_message.values() if group[0]["action"] == "tag"
        ]
        deliveries = self.site.sink.deliveries(self.mark)
        self.assertEqual(len(deliveries), messages)
        tags = [tag for delivery in deliveries for tag in delivery.header("X-Nearmiss")]
        self.assertEqual(sorted(tags), sorted(tagged))


if __name__ == "__main__":
    main()
