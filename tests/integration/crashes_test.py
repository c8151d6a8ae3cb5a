"""
The daemon is killed at each step of a message's way into the quarantine, and of its way
out. Afterwards each message is where it should be: at least once, and not twice but for a
client that was told to try again and did.

NM_ROUNDS says how often, for each of the two; the default goes through each step a few
times, and a hundred is what a run of the long tests takes.
"""

import os
import subprocess
import time

from harness.case import SiteCase, main, message
from harness.wait import until

ROUNDS = int(os.environ.get("NM_ROUNDS", "21"))

# Where it is killed: behind one of these, or so long after the last.
STEPS = ("mail", "near", "good", "data", "text", "end", "later")
LATER_S = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.008)


class CrashCase(SiteCase):
    @classmethod
    def configure(cls):
        port = cls.postfix.port
        cls.daemon.configure(
            {
                "rules": [{"name": "keep", "confidence": 0.5, "action": "quarantine"}],
                "quarantine": {"release": f"smtp:{port.host}:{port.number}"},
            }
        )

    def setUp(self):
        super().setUp()
        self.near, self.good = self.at("army.ml"), self.at("army.mil")

    def arrived(self, recipient):
        found = self.site.sink.deliveries(self.mark)
        return sum(delivery.recipients.count(recipient) for delivery in found)

    def say(self, step, number):
        """A message, with the daemon killed at `step`; whether the client may be sure."""
        text = message(self.mark).replace(b"\n", b"\r\n")
        parts = [
            ("mail", f"MAIL FROM:<{self.sender}>\r\n".encode()),
            ("near", f"RCPT TO:<{self.near}>\r\n".encode()),
            ("good", f"RCPT TO:<{self.good}>\r\n".encode()),
            ("data", b"DATA\r\n"),
            ("text", text),
            ("end", b".\r\n"),
        ]
        with self.site.smtp() as session:
            for name, part in parts:
                session.send(part)
                if name == "end":
                    if step == "end":
                        self.daemon.kill()
                    elif step == "later":
                        time.sleep(LATER_S[number % len(LATER_S)])
                        self.daemon.kill()
                if name == "text":
                    if step == "text":
                        self.daemon.kill()
                    continue
                reply = session.read()
                if name == step and name != "end":
                    self.daemon.kill()
                if reply.code >= 400:
                    return False
            self.accepted.append(reply.queue_id)
            return True

    def test_into_the_quarantine(self):
        for number in range(ROUNDS):
            step = STEPS[number % len(STEPS)]
            with self.subTest(step=step, number=number):
                self.setUp()
                tries = 1
                sure = self.say(step, number)
                if self.daemon.server:
                    self.daemon.kill()
                self.daemon.start()
                while not sure:
                    tries += 1
                    sure = self.say("none", number)
                self.postfix.settle(self.accepted)
                entries = self.daemon.kept(self.mark)
                self.assertEqual(len(entries), 1, entries)
                self.assertEqual(entries[0]["state"], "waiting")
                self.assertEqual(self.arrived(self.near), 0)
                self.assertGreaterEqual(self.arrived(self.good), 1)
                self.assertLessEqual(self.arrived(self.good), tries)
                self.check_further()

    def test_out_of_the_quarantine(self):
        for number in range(ROUNDS):
            with self.subTest(number=number):
                self.setUp()
                self.assertTrue(self.say("none", number))
                (entry,) = self.daemon.kept(self.mark)
                self.release_and_kill(entry, number)
                self.daemon.start()
                self.release_to_the_end(entry)
                until("it has arrived", lambda: self.arrived(self.near))
                self.postfix.settle_all()
                self.assertEqual(self.arrived(self.near), 1)
                (entry,) = self.daemon.kept(self.mark)
                self.assertEqual(entry["state"], "released")

    def check_further(self):
        """What else must be so once a message is in the quarantine."""

    def command(self, entry, *options):
        return [
            self.daemon.program("NEARMISS"),
            *("quarantine", "release", entry["id"], *options),
            *("-c", self.daemon.configuration),
        ]

    def release_and_kill(self, entry, number):
        """The daemon dies while the tool releases, sooner or later."""
        with subprocess.Popen(
            self.command(entry), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        ) as tool:
            time.sleep(0.001 * (number % 30))
            self.daemon.kill()
            tool.communicate()

    def release_to_the_end(self, entry):
        """As a person does it, who looks where the tool says."""
        for _ in range(5):
            if self.daemon.kept(self.mark)[0]["state"] == "released":
                return
            done = subprocess.run(self.command(entry), capture_output=True, text=True)
            if "cut off" in done.stderr:
                self.postfix.settle_all()
                answer = "--done" if self.arrived(self.near) else "--again"
                done = subprocess.run(
                    self.command(entry, answer), capture_output=True, text=True
                )
            if done.returncode == 0:
                return
        self.fail(done.stderr)


class ToldCase(CrashCase):
    """The same with a sender who is told of what is kept: of each message, though the
    daemon that took it is dead; and twice only where it died while it told."""

    test_out_of_the_quarantine = None

    @classmethod
    def configure(cls):
        port = cls.site.sink.port
        cls.daemon.configure(
            {
                "rules": [{"name": "keep", "confidence": 0.5, "action": "quarantine"}],
                "notice": {"sender": True, "route": f"smtp:{port.host}:{port.number}"},
            }
        )

    def arrived(self, recipient):
        """Of the message itself."""
        return sum(
            delivery.recipients.count(recipient)
            for delivery in self.site.sink.deliveries(self.mark)
            if not delivery.header("X-Nearmiss-Notice")
        )

    def check_further(self):
        def told():
            return [
                one.header("Message-ID")[0]
                for one in self.site.sink.deliveries(self.mark)
                if one.recipients == [self.sender] and one.header("X-Nearmiss-Notice")
            ]

        until("the sender was told", told)
        self.assertLessEqual(len(told()), 2)
        self.assertEqual(len(set(told())), 1)


if __name__ == "__main__":
    main()
