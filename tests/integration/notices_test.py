"""
Notices: who is told of what is held or kept, that the command which the reviewer is given
works, that nothing loops, and that a crash loses none.
"""

import json
import os
import re
import sqlite3
import unittest

from harness.case import SiteCase, main, message
from harness.process import Port
from harness.sendmail import Sendmail, missing
from harness.wait import until

REVIEWER = "reviewer@reviews.example"
RULES = [
    {"name": "reviews", "domain": ["reviews.example"], "sender": ["<>"], "action": "accept"},
    {"name": "keep", "recipient": ["keep.*@*"], "confidence": 0.5, "action": "quarantine"},
    {"name": "hold", "confidence": 0.5, "action": "hold"},
]


class NoticesCase(SiteCase):
    rules = RULES

    @classmethod
    def configure(cls):
        cls.daemon.configure(cls.settings())

    @classmethod
    def settings(cls, **notice):
        port = cls.site.mta.port
        return {
            "rules": cls.rules,
            "contact": "helpdesk@example.org",
            "quarantine": {"release": f"smtp:{port.host}:{port.number}"},
            "notice": {
                "sender": True,
                "reviewer": REVIEWER,
                "route": f"smtp:{port.host}:{port.number}",
                **notice,
            },
        }

    def rows(self, query, *values):
        """What the database of notices has, whether the daemon lives or not."""
        path = os.path.join(self.daemon.folder, "notices.db")
        database = sqlite3.connect(path)
        try:
            return database.execute(query, values).fetchall()
        finally:
            database.close()

    def count(self, condition="true"):
        return self.rows(f"SELECT count(*) FROM notice WHERE {condition}")[0][0]

    def made(self, address):
        """How many notices were ever made for an address about this case: a row is there
        before the mail server has its answer."""
        about = {row["id"] for row in self.daemon.rows(self.mark)}
        made = self.rows("SELECT decision FROM notice WHERE address = ?", address)
        return len([one for (one,) in made if one in about])

    def assert_judged(self, *expected):
        """As assert_rows, notices that came by aside."""

        def judged():
            rows = [
                row
                for row in self.daemon.rows(self.mark)
                if row["sender"] or row["recipient"] not in (self.sender, REVIEWER)
            ]
            done = all(row["outcome"] != "unknown" for row in rows)
            return rows if done and len(rows) == len(expected) else None

        rows = until(f"{len(expected)} rows", judged)
        for row, fields in zip(rows, expected):
            self.assertEqual({name: row[name] for name in fields}, fields)
        return rows

    def notices(self, address, count=1):
        """The notices to an address about this case, once so many have come."""

        def come():
            found = [
                one
                for one in self.site.sink.deliveries(self.mark)
                if one.recipients == [address] and one.header("X-Nearmiss-Notice")
            ]
            return found if len(found) >= count else None

        found = until(f"{count} notices to {address}", come)
        self.assertEqual(len(found), count)
        return found

    def told(self, entry):
        """The recorded acts of telling about a decision: whom."""
        lines = self.daemon.ask("audit", "list", "--acts", "--format", "json").splitlines()
        acts = [json.loads(line) for line in lines]
        return sorted(
            act["subject"]
            for act in acts
            if act["decision"] == entry and act["verb"] == "notified"
        )

    def arrived_at(self, address):
        return [one for one in self.site.sink.deliveries(self.mark) if address in one.recipients]


class TellingCase(NoticesCase):
    def check_notice(self, notice, near):
        self.assertEqual(notice.sender, "")
        self.assertEqual(notice.header("Auto-Submitted"), ["auto-generated"])
        self.assertEqual(notice.header("From"), ["Mail filter <postmaster@gw.test.example>"])
        self.assertEqual(notice.header("To"), [f"<{notice.recipients[0]}>"])
        self.assertIn(near, notice.body)
        self.assertIn("army.mil", notice.body)

    def test_both_are_told_of_what_is_held_and_the_command_works(self):
        near = self.at("army.ml")
        self.assert_reply(self.send(near).end, 250)
        (row,) = self.assert_judged({"recipient": near, "outcome": "held"})
        (to_sender,) = self.notices(self.sender)
        (to_reviewer,) = self.notices(REVIEWER)
        for notice in (to_sender, to_reviewer):
            self.check_notice(notice, near)
            self.assertIn(row["id"], notice.body)
        self.assertIn("helpdesk@example.org", to_sender.body)
        until("both are on record", lambda: len(self.told(row["id"])) == 2)
        self.assertEqual(self.told(row["id"]), sorted([self.sender, REVIEWER]))
        self.assertEqual(self.arrived_at(near), [])
        story = self.daemon.ask("audit", "show", row["id"])
        self.assertIn(f"told {REVIEWER}", story)
        self.assertIn(f"postsuper -H {row['queue_id']}\n", story)
        self.assertIn(f"sendmail -qQ -qI{row['queue_id']} -Q\n", story)
        self.let_go(to_reviewer, row)
        until("it has arrived", lambda: self.arrived_at(near))

    def let_go(self, notice, row):
        (queue_id,) = re.findall(r"postsuper -H (\S+)", notice.body)
        self.assertEqual(queue_id, row["queue_id"])
        self.site.mta.release(queue_id)

    def test_both_are_told_of_what_is_kept_and_the_command_works(self):
        near, good = self.at("army.ml", local="keep"), self.at("army.mil")
        self.assert_reply(self.send(near, good).end, 250)
        (to_sender,) = self.notices(self.sender)
        (to_reviewer,) = self.notices(REVIEWER)
        for notice in (to_sender, to_reviewer):
            self.check_notice(notice, near)
            self.assertNotIn(good, notice.body)
        (entry,) = re.findall(r"nearmiss quarantine release (\S+)", to_reviewer.body)
        self.daemon.ask("quarantine", "release", entry)
        until("it has arrived", lambda: self.arrived_at(near))
        # The message that came by again is told of no more, nor is a client's retry.
        self.assertEqual((self.made(self.sender), self.made(REVIEWER)), (1, 1))

    def test_a_retry_that_joins_its_entry_is_not_told_of_again(self):
        near = self.at("army.ml", local="keep")
        for _ in range(3):
            self.assert_reply(self.send(near).end, 250)
        (entry,) = self.daemon.kept(self.mark)
        self.notices(self.sender)
        self.assertEqual((self.made(self.sender), self.made(REVIEWER)), (1, 1))
        until("both are on record", lambda: len(self.told(entry["id"])) == 2)

    def test_programs_and_lists_are_not_told_and_the_reviewer_is(self):
        for header in (
            "Auto-Submitted: auto-replied",
            "Precedence: bulk",
            "List-Id: <x.example.org>",
        ):
            with self.subTest(header):
                near = self.at("army.ml")
                self.assert_reply(self.send(near, text=message(self.mark, header)).end, 250)
        self.assertEqual((self.made(self.sender), self.made(REVIEWER)), (0, 3))

    def test_nobody_is_told_of_a_bounce_or_of_a_notice(self):
        near = self.at("army.ml")
        self.assert_reply(self.send(near, sender="").end, 250)
        text = message(self.mark, "X-Nearmiss-Notice: 01X")
        self.assert_reply(self.send(near, text=text).end, 250)
        self.assert_judged({"outcome": "held"}, {"outcome": "held"})
        self.assertEqual((self.made(""), self.made(self.sender), self.made(REVIEWER)), (0, 0, 0))

    def test_a_senders_address_that_is_a_slip_itself_gets_nothing(self):
        sender = f"{self.mark}@exmaple.org"
        near = self.at("army.ml")
        self.assert_reply(self.send(near, sender=sender).end, 250)
        self.notices(REVIEWER)
        self.assertEqual((self.made(sender), self.made(REVIEWER)), (0, 1))

    def test_no_subject_writes_a_line(self):
        near = self.at("army.ml")
        text = message(self.mark, subject="x\n Bcc: evil@army.ml\n\t<html> \x1b[2J")
        self.assert_reply(self.send(near, text=text).end, 250)
        (notice,) = self.notices(self.sender)
        self.assertEqual(notice.header("Bcc"), [])
        self.assertNotIn("\x1b", notice.raw.decode())
        self.assertIn("Bcc: evil@army.ml", notice.body)

    def test_a_message_of_hundreds_of_recipients_makes_one_notice(self):
        near = [self.at("army.ml", local=f"r{number}") for number in range(300)]
        self.assert_reply(self.send(*near).end, 250)
        (notice,) = self.notices(self.sender)
        self.assertIn("and 280 more", notice.body)

    def test_what_is_put_off_is_not_told_of(self):
        near = self.at("army.ml", local="keep")
        folder = os.path.join(self.daemon.folder, "quarantine", "incoming")
        self.assert_reply(self.send(self.at("army.ml", local="keep0")).end, 250)
        os.chmod(folder, 0o500)
        try:
            self.assert_reply(self.send(near).end, 451)
        finally:
            os.chmod(folder, 0o750)
        self.assertEqual(self.made(self.sender), 1)
        self.assert_reply(self.send(near).end, 250)
        self.assertEqual(self.made(self.sender), 2)


class Utf8Case(NoticesCase):
    def test_a_sender_with_a_utf8_address_is_told(self):
        sender = f"\u00e4{self.mark}@example.org"
        near = self.at("army.ml")
        self.assert_reply(self.send(near, sender=sender, options="SMTPUTF8").end, 250)
        self.assertEqual(self.made(sender), 1)
        (row,) = [one for one in self.daemon.rows(self.mark) if one["recipient"] == near]
        until("it is on record", lambda: len(self.told(row["id"])) == 2)
        (notice,) = [
            one
            for one in self.site.sink.deliveries(self.mark)
            if one.header("To") == [f"<{sender}>"]
        ]
        self.assertIn("SMTPUTF8", " ".join(notice.arguments))


class OnSendmailCase(TellingCase):
    site_options = {"mta": Sendmail}

    @classmethod
    def setUpClass(cls):
        reason = missing()
        if reason:
            raise unittest.SkipTest(reason)
        super().setUpClass()

    def let_go(self, notice, row):
        (queue_id,) = re.findall(r"sendmail -qQ -qI(\S+) -Q", notice.body)
        self.assertEqual(queue_id, row["queue_id"])
        self.site.mta.release(queue_id)


class LoopCase(NoticesCase):
    """What goes to the reviewer is itself held by a rule."""

    rules = [
        {"name": "all", "domain": ["reviews.example"], "action": "hold"},
        {"name": "hold", "confidence": 0.5, "action": "hold"},
    ]

    def test_a_notice_that_is_held_is_not_told_of(self):
        near, before = self.at("army.ml"), self.count()
        self.assert_reply(self.send(near).end, 250)
        (row,) = self.assert_judged({"outcome": "held"})
        until("both are on record", lambda: len(self.told(row["id"])) == 2)

        def held():
            rows = self.daemon.rows(REVIEWER)
            return rows if rows and rows[-1]["outcome"] == "held" else None

        until("the notice is held", held)
        self.assertEqual(self.made(REVIEWER), 1)
        self.assertEqual(self.count(), before + 2)


class CrashCase(NoticesCase):
    """The daemon is killed with what it has to tell still waiting, and tells it when it
    lives again."""

    def test_what_waits_outlives_a_crash(self):
        nobody = Port()
        try:
            self.daemon.configure(self.settings(route=f"smtp:127.0.0.1:{nobody.number}"))
            self.daemon.ask("reload")
            for local in ("bob", "keep.bob"):
                self.assert_reply(self.send(self.at("army.ml", local=local)).end, 250)
            self.assertEqual(self.daemon.status()["notices_waiting"], 4)
            self.daemon.kill()
            self.assertEqual(self.count("due_us IS NOT NULL"), 4)
            self.daemon.configure(self.settings())
            self.daemon.start()
            self.notices(self.sender, 2)
            self.notices(REVIEWER, 2)
        finally:
            nobody.close()


if __name__ == "__main__":
    main()
