"""
What happens to mail when the daemon or its log fails. Postfix puts off what it cannot
have judged (milter_default_action = tempfail): nothing is lost, and nothing that was
answered is without its row.
"""

import sqlite3

from harness.case import SiteCase, main, message
from harness.wait import until


class KilledCase(SiteCase):
    def setUp(self):
        super().setUp()
        if self.daemon.server is None:
            self.daemon.start()

    def test_a_recipient_after_the_kill_is_put_off(self):
        good, bad = self.at("army.mil"), self.at("army.ml")
        with self.site.smtp() as session:
            session.mail(self.sender)
            refused = session.rcpt(bad)
            self.assert_reply(refused, 550)
            self.assert_reply(session.rcpt(good), 250)
            self.daemon.kill()
            self.assert_reply(session.rcpt(self.at("example.org")), 451)
            self.assert_reply(session.data(message(self.mark)), 451)
        self.assert_arrived()
        self.assertEqual(self.queue(), [])
        first, *rest = self.daemon.rows(self.mark)
        self.assertEqual((first["id"], first["outcome"]), (refused.reference, "refused"))
        # What had not been answered for good may be on record, without an end.
        self.assertLessEqual({row["outcome"] for row in rest}, {"unknown"})

    def test_a_message_whose_end_meets_no_daemon_is_put_off(self):
        with self.site.smtp() as session:
            session.mail(self.sender)
            session.rcpt(self.at("army.mil"))
            self.assert_reply(session.command("DATA"), 354)
            self.daemon.kill()
            self.assert_reply(session.text(message(self.mark)), 451)
        self.assert_arrived()
        self.assertEqual(self.queue(), [])
        rows = self.daemon.rows(self.mark)
        self.assertNotIn("passed", {row["outcome"] for row in rows})

    def test_the_next_daemon_goes_on_where_the_last_was_killed(self):
        good = self.at("army.mil")
        first = self.send(good)
        self.daemon.kill()
        with self.site.smtp() as session:
            self.assert_reply(session.mail(self.sender), 451)
        self.daemon.start()  # over the stale socket and the log as it was left
        second = self.send(good)
        self.assert_reply(second.end, 250)
        self.assert_arrived(good, good)
        self.assertEqual(self.queue(), [])
        self.assert_rows(
            {"queue_id": first.end.queue_id, "outcome": "passed"},
            {"queue_id": second.end.queue_id, "outcome": "passed"},
        )


class LockedLog:
    """Another process holds the log's lock for longer than mail may wait."""

    def setUp(self):
        super().setUp()
        self.lock = sqlite3.connect(self.daemon.database, isolation_level=None)
        self.addCleanup(self.lock.close)
        self.lock.execute("BEGIN IMMEDIATE")

    def unlock(self):
        self.lock.execute("ROLLBACK")


class DeferCase(LockedLog, SiteCase):
    config = {"audit": {"wait_ms": 300}}

    def test_mail_is_put_off_until_it_can_be_recorded(self):
        good, bad = self.at("army.mil"), self.at("army.ml")
        answers = self.send(bad)
        self.assert_reply(answers.rcpt[bad], 451, "4.3.0", "log")
        answers = self.send(good)
        self.assert_reply(answers.rcpt[good], 250)
        self.assert_reply(answers.end, 451, "4.3.0", "log")
        self.assert_arrived()
        self.assertEqual(self.queue(), [])
        self.assertTrue(self.daemon.status()["audit"]["failing"])
        self.unlock()
        until("mail passes again", lambda: self.send(good).end.code == 250)
        self.assert_arrived(good)
        passed = [row for row in self.daemon.rows(self.mark) if row["outcome"] == "passed"]
        self.assertEqual([row["recipient"] for row in passed], [good])
        self.assertFalse(self.daemon.status()["audit"]["failing"])


class AcceptCase(LockedLog, SiteCase):
    """The operator would rather have mail than its record."""

    config = {"audit": {"wait_ms": 300, "on_failure": "accept"}}

    def test_mail_goes_through_and_what_is_not_recorded_is_logged(self):
        good, bad = self.at("army.mil"), self.at("army.ml")
        answers = self.send(bad, good)
        self.assertEqual([reply.code for reply in answers.rcpt.values()], [250, 250])
        self.assert_reply(answers.end, 250)
        self.assert_arrived(bad, good)
        self.assertEqual(self.queue(), [])
        log = self.daemon.server.log
        log.until(f"recipient={bad} match=near-miss target=army.mil action=reject")
        log.until("outcome=passed")
        self.unlock()
        until("what could wait is on record", lambda: self.daemon.rows(good))


class ObserveCase(LockedLog, SiteCase):
    """Who only observes lets mail through, whatever fails."""

    config = {"mode": "observe", "audit": {"wait_ms": 300}}

    def test_mail_goes_through(self):
        bad = self.at("army.ml")
        answers = self.send(bad)
        self.assert_reply(answers.end, 250)
        self.assert_arrived(bad)
        self.assertEqual(self.queue(), [])
        self.daemon.server.log.until("cannot be written")
        self.unlock()
        until("what could wait is on record", lambda: self.daemon.rows(bad))


if __name__ == "__main__":
    main()
