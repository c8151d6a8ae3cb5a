"""
What differs between the two mail servers: the table of the operator's guide, line by line.
The first line of a test's docstring is the line of the table that it runs.
"""

import os
import re
import sys
import unittest

from harness import sendmail
from harness.case import SiteCase, main, message
from harness.wait import until

GUIDE = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "operator.md")

RULES = [
    {"name": "ask", "recipient": ["hold.*@*"], "confidence": 0.5, "action": "hold"},
    {"name": "sure", "confidence": 0.5, "action": "reject"},
]


def guide():
    """The table: its first column to its second and third."""
    with open(GUIDE) as file:
        rows = re.findall(r"(?m)^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", file.read())
    return {first: (second, third) for first, second, third in rows}


class BothCase(SiteCase):
    """What is asked of either server, and answered alike."""

    config = {"rules": RULES}

    @property
    def mta(self):
        return self.site.mta

    def refused(self, *recipients):
        """The reply to the first of `recipients`, a near miss; the others get the mail."""
        answers = self.send(*recipients)
        return answers.rcpt[recipients[0]]

    def hold(self):
        """A message that is held; its queue id."""
        answers = self.send(self.at("army.ml", local="hold"))
        self.mta.settle([answers.end.queue_id])
        return answers.end.queue_id

    def arrived(self):
        got = self.site.sink.deliveries(self.mark)
        return [recipient for delivery in got for recipient in delivery.recipients]

    def test_filter(self):
        """the filter"""
        bad, good = self.at("army.ml"), self.at("army.mil")
        self.assert_reply(self.refused(bad, good), 550, "5.7.1", "army.mil")
        self.assertIn(self.FILTER, guide()["the filter"][self.COLUMN])
        until("the other one has it", self.arrived)
        self.assertEqual(self.arrived(), [good])

    def test_macros(self):
        """macros"""
        good = self.at("army.mil")
        end = self.send(good).end
        self.assert_rows(
            {"client": "127.0.0.1", "recipient": good, "queue_id": end.queue_id}
        )

    def first_failure(self):
        """The first reply to a message that is no 250."""
        with self.site.smtp() as session:
            replies = [session.mail(self.sender), session.rcpt(self.at("army.mil"))]
        return next(reply for reply in replies if reply.code != 250)

    def test_no_daemon(self):
        """no daemon"""
        self.daemon.stop()
        try:
            self.assert_reply(self.first_failure(), 451)
        finally:
            self.daemon.start()

    def test_delete(self):
        """delete it"""
        queue_id = self.hold()
        self.assertEqual([row["queue_name"] for row in self.mta.queue(self.mark)], ["hold"])
        self.delete(queue_id)
        self.assertEqual(self.mta.queue(self.mark), [])
        self.assertEqual(self.arrived(), [])

    def test_release(self):
        """release it"""
        near = self.at("army.ml", local="hold")
        self.mta.release(self.hold())
        until("the released message has arrived", self.arrived)
        self.assertEqual(self.arrived(), [near])


class PostfixCase(BothCase):
    COLUMN = 0
    FILTER = "smtpd_milters = unix:"

    def delete(self, queue_id):
        self.postfix.run("postsuper", "-d", queue_id)

    def test_the_guide_has_no_line_that_is_not_tested(self):
        for one in (PostfixCase, SendmailCase):
            names = [name for name in dir(one) if name.startswith("test_")]
            lines = {(getattr(one, name).__doc__ or "").split("\n")[0] for name in names}
            self.assertEqual(set(guide()) - lines, set(), one.__name__)

    def test_socket(self):
        """the socket"""
        try:
            os.chmod(self.daemon.milter_socket, 0o600)
            self.assert_reply(self.first_failure(), 451)
            self.postfix.log.until("Permission denied")
        finally:
            os.chmod(self.daemon.milter_socket, 0o660)
        self.assert_reply(self.refused(self.at("army.ml")), 550)

    def test_submitted(self):
        """mail submitted here"""
        self.postfix.submit(self.sender, [self.at("army.ml")], message(self.mark).decode())
        until(
            "it is held",
            lambda: [row["queue_name"] for row in self.postfix.queue(self.mark)] == ["hold"],
        )
        self.assert_rows({"action": "reject", "outcome": "held"})

    def test_list(self):
        """list what is held"""
        queue_id = self.hold()
        self.assertIn(f"{queue_id}!", self.postfix.run("postqueue", "-p"))

    def test_why(self):
        """why it is held"""
        queue_id = self.hold()
        self.assertNotIn("army.mil", str(self.postfix.queue(self.mark)))
        (row,) = self.assert_rows({"queue_id": queue_id, "target": "army.mil"})
        self.assertEqual(row["rule"], "ask")

    def test_queue_id(self):
        """the queue id"""
        self.refused(self.at("army.ml"))
        self.assert_rows({"queue_id": None, "outcome": "refused"})

    def test_refusal(self):
        """a refusal"""
        reply = self.refused(self.at("army.ml"))
        self.assertRegex(str(reply), r"^550 5\.7\.1 army\.ml looks like")

    def test_smtputf8(self):
        """SMTPUTF8"""
        bad = self.at("\u0430rmy.mil")
        with self.site.smtp() as session:
            self.assert_reply(session.mail(self.sender, "SMTPUTF8"), 250)
            self.assert_reply(session.rcpt(bad), 550, "5.7.1", "army.mil")


class SendmailCase(BothCase):
    COLUMN = 1
    FILTER = "INPUT_MAIL_FILTER(`nearmiss', `S=local:"
    site_options = {"mta": sendmail.Sendmail}

    def delete(self, queue_id):
        for letter in "hd":
            os.remove(os.path.join(self.mta.queue_folder, f"{letter}f{queue_id}"))

    def test_socket(self):
        """the socket"""
        folder = os.path.dirname(self.daemon.milter_socket)
        mode = os.stat(folder).st_mode & 0o777
        try:
            os.chmod(folder, 0o777)
            self.assert_reply(self.first_failure(), 451)
            said = self.mta.run("sendmail", "-bs", text_in="QUIT\r\n", fine=(71,))
        finally:
            os.chmod(folder, mode)
        self.assertRegex(said, "local socket name .* unsafe")
        self.assert_reply(self.refused(self.at("army.ml")), 550)

    def test_submitted(self):
        """mail submitted here"""
        bad, good = self.at("army.ml"), self.at("army.mil")
        self.mta.submit(self.sender, [bad, good], message(self.mark).decode())
        until("the other one has it", lambda: good in self.arrived())
        rows = {row["recipient"]: row for row in self.daemon.settled_rows(self.mark, 2)}
        self.assertEqual(rows[good]["outcome"], "passed")
        self.assertEqual(rows[bad]["outcome"], "refused")
        self.assertEqual(rows[bad]["client"], "127.0.0.1")
        self.assertNotIn(bad, self.arrived())
        past = self.at("army.ml", local="past")
        text = message(self.mark).decode()
        self.mta.submit(self.sender, [past], text, configuration="sendmail.cf")
        until("it passes no filter", lambda: past in self.arrived())
        self.assertEqual(self.daemon.rows("past." + self.mark), [])

    def test_list(self):
        """list what is held"""
        queue_id = self.hold()
        self.assertIn(queue_id, self.mta.run("mailq", "-qQ"))
        self.assertNotIn(queue_id, self.mta.run("mailq"))

    def test_why(self):
        """why it is held"""
        self.hold()
        self.assertRegex(
            self.mta.run("mailq", "-qQ"), r"QUARANTINE: Nearmiss: army\.ml looks like army\.mil"
        )
        self.assert_rows({"rule": "ask", "target": "army.mil"})

    def test_queue_id(self):
        """the queue id"""
        self.refused(self.at("army.ml"))
        until("the row has it", lambda: self.assert_rows({"outcome": "refused"})[0]["queue_id"])

    def test_refusal(self):
        """a refusal"""
        bad = self.at("army.ml")
        self.assertTrue(str(self.refused(bad)).startswith(f"550 5.7.1 <{bad}>... army.ml looks"))

    def test_smtputf8(self):
        """SMTPUTF8"""
        with self.site.smtp() as session:
            self.assert_reply(session.mail(self.sender, "SMTPUTF8"), 555)


def load_tests(loader, tests, pattern):
    """Without the cases that stand for both, and without Sendmail where there is none."""
    suite = unittest.TestSuite([loader.loadTestsFromTestCase(PostfixCase)])
    reason = sendmail.missing()
    if reason:
        print(f"skipped, half of it: {reason}", file=sys.stderr)
        return suite
    suite.addTest(loader.loadTestsFromTestCase(SendmailCase))
    return suite


if __name__ == "__main__":
    main()
