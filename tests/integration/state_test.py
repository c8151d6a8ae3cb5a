"""What is learnt and changed while mail flows."""

import json
import os
import sqlite3
import subprocess

from harness.case import SiteCase, main
from harness.wait import until


class StateCase(SiteCase):
    def file(self, text):
        """The name of a file that only root may read, as an administrator's may be."""
        path = os.path.join(self.site.folder, f"{self.mark}.txt")
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(text)
        return path

    def nearmiss(self, *words):
        """Status and words of a subcommand."""
        done = self.daemon.run(*words, "-c", self.daemon.configuration)
        return done.returncode, done.stdout + done.stderr

    def restart(self):
        self.daemon.stop()
        self.daemon.start()

    def history(self):
        listed = self.daemon.ask("history", "list", "--format", "json")
        rows = [json.loads(line) for line in listed.splitlines()]
        return {row["domain"]: row["messages"] for row in rows}


class HistoryCase(StateCase):
    config = {
        "rules": [{"name": "sure", "confidence": 0.99, "action": "reject"}],
    }

    def refuses(self, domain):
        return self.send(self.at(domain)).rcpt[self.at(domain)].code == 550

    def test_the_daemon_makes_the_database(self):
        self.assertTrue(os.path.exists(os.path.join(self.daemon.folder, "state.db")))
        self.assertIsInstance(self.history(), dict)

    def test_counts_are_in_force_when_the_import_returns(self):
        self.assertFalse(self.refuses("vendorhouse.exmaple"))
        self.assertFalse(self.refuses("vendorhuose.example"))
        before = self.daemon.status()["config"]
        self.daemon.ask(
            "history", "import", "--counts", self.file("vendorhouse.example\t9000\n")
        )
        self.assertTrue(self.refuses("vendorhuose.example"))
        self.assertFalse(self.refuses("vendorhouse.example"))
        self.assertEqual(self.history()["vendorhouse.example"], 9000)
        status = self.daemon.status()
        self.assertEqual(status["config"], before)
        self.assertEqual(status["history_domains"], len(self.history()))
        (verdict,) = self.daemon.check(["a@vendorhuose.example"])
        self.assertEqual(verdict["target"], "vendorhouse.example")
        last = self.assert_rows(*[{}] * 4)[2]
        self.assertEqual(last["target"], "vendorhouse.example")
        self.assertEqual(last["action"], "reject")

    def test_counts_survive_a_reload_and_a_restart(self):
        path = self.file("supplierworks.example\t9000\n")
        self.daemon.ask("history", "import", "--counts", path)
        for change in (lambda: self.daemon.ask("reload"), self.restart):
            change()
            self.assertTrue(self.refuses("supplierwroks.example"))

    def test_counts_are_imported_while_no_daemon_runs(self):
        path = self.file("contractorhouse.example\t9000\n")
        self.daemon.stop()
        try:
            self.daemon.ask("history", "import", "--counts", path)
        finally:
            self.daemon.start()
        self.assertTrue(self.refuses("contractorhuose.example"))

    def test_bad_lines_are_named_and_the_others_in_force(self):
        path = self.file("..\t1\ncustomerhouse.example\t9000\nx.example\n")
        status, words = self.nearmiss("history", "import", "--counts", path)
        self.assertEqual(status, 1, words)
        self.assertIn(f"{path}:1: ", words)
        self.assertIn(f"{path}:3: ", words)
        self.assertTrue(self.refuses("customerhuose.example"))


class AllowCase(StateCase):
    def refuses(self, domain, **how):
        return self.send(self.at(domain), **how).rcpt[self.at(domain)].code == 550

    def exceptions(self):
        listed = self.daemon.ask("allow", "list", "--format", "json")
        return [json.loads(line) for line in listed.splitlines()]

    def acts(self):
        listed = self.daemon.ask("audit", "list", "--acts", "--format", "json")
        return [json.loads(line) for line in listed.splitlines()]

    def allow(self, *words):
        self.daemon.ask("allow", "add", *words)
        # The same words without what only an addition has.
        key = list(words)
        if "--expires" in key:
            at = key.index("--expires")
            del key[at : at + 2]
        self.addCleanup(self.nearmiss, "allow", "remove", *key)

    def test_an_exception_is_in_force_at_once(self):
        self.assertTrue(self.refuses("army.ml"))
        before = self.daemon.status()
        self.allow("army.ml", "--reason", "a customer")
        sent = self.send(self.at("army.ml"))
        self.assert_reply(sent.end, 250)
        self.assert_arrived(self.at("army.ml"))
        self.assertEqual(self.daemon.status()["reloads"], before["reloads"])
        self.daemon.ask("allow", "remove", "army.ml")
        self.assertTrue(self.refuses("army.ml"))
        self.assert_rows(
            {"match": "near-miss", "outcome": "refused"},
            {"match": "allowed", "action": "accept", "outcome": "passed"},
            {"match": "near-miss", "outcome": "refused"},
        )

    def test_it_is_on_record_with_who_set_it(self):
        self.allow("army.ml", "--reason", "a customer", "--expires", "30d")
        self.daemon.ask("allow", "remove", "army.ml", "--reason", "gone")
        added, removed = self.acts()[-2:]
        self.assertEqual((added["verb"], added["subject"]), ("allow-added", "army.ml"))
        self.assertEqual(added["actor"], "root (uid 0)")
        self.assertEqual(added["reason"], "a customer")
        self.assertEqual(removed["verb"], "allow-removed")
        self.assertEqual(removed["reason"], "gone")

    def test_it_survives_a_reload_and_a_restart(self):
        self.allow("army.ml")
        for change in (lambda: self.daemon.ask("reload"), self.restart):
            change()
            self.assertFalse(self.refuses("army.ml"))
        self.assertEqual([row["domain"] for row in self.exceptions()], ["army.ml"])

    def test_it_is_set_while_no_daemon_runs(self):
        self.daemon.stop()
        try:
            self.allow("army.ml")
        finally:
            self.daemon.start()
        self.assertFalse(self.refuses("army.ml"))
        self.assertEqual(self.acts()[-1]["verb"], "allow-added")

    def test_it_is_for_whom_it_names(self):
        self.allow("army.ml", "--sender", self.sender)
        self.allow("partner.exmaple", "--target", "partner.example")
        self.assertFalse(self.refuses("army.ml"))
        self.assertTrue(self.refuses("army.ml", sender="someone.else@example.org"))
        asked = [self.at("army.ml"), self.at("partner.exmaple")]
        matches = [row["match"] for row in self.daemon.check(asked)]
        self.assertEqual(matches, ["near-miss", "allowed"])

    def test_it_expires(self):
        self.allow("army.ml", "--expires", "2s")
        self.assertFalse(self.refuses("army.ml"))
        until("it has expired", lambda: self.exceptions()[0]["expired"])
        self.assertTrue(self.refuses("army.ml"))

    def test_nobody_else_may_set_one(self):
        nobody = ["--reuid", "12345", "--regid", "12345", "--clear-groups"]
        tool = self.daemon.program("NEARMISS")
        words = ["allow", "add", "army.ml", "-c", self.daemon.configuration]
        done = subprocess.run(
            ["setpriv", *nobody, tool, *words], capture_output=True, text=True, timeout=60
        )
        self.assertEqual(done.returncode, 4, done.stdout + done.stderr)
        self.assertEqual(self.exceptions(), [])


class FirstContactCase(StateCase):
    config = {
        "rules": [
            {"name": "sure", "confidence": 0.9, "action": "tag"},
            {"name": "new", "first_contact": True, "action": "tag"},
        ],
    }

    def rule_for(self, domain):
        self.assert_reply(self.send(self.at(domain)).end, 250)
        return self.daemon.rows(self.mark)[-1]["rule"]

    def asked(self, domain):
        return self.daemon.check([f"a@{domain}"])[0]["rule"]

    def test_a_domain_is_new_once(self):
        self.assertEqual(self.rule_for("mail.new-one.example"), "new")
        self.assertIsNone(self.rule_for("new-one.example"))
        self.assertIsNone(self.rule_for("www.new-one.example"))
        until("it is stored", lambda: self.asked("new-one.example") is None)
        self.restart()
        self.assertIsNone(self.rule_for("new-one.example"))
        self.assertIsNone(self.asked("new-one.example"))
        self.assertEqual(self.asked("new-two.example"), "new")

    def test_a_near_miss_stays_one(self):
        for _ in range(3):
            self.assertEqual(self.rule_for("partnr.example"), "sure")
        self.daemon.ask("allow", "add", "partnr.example")
        self.addCleanup(self.nearmiss, "allow", "remove", "partnr.example")
        self.assertIsNone(self.rule_for("partnr.example"))

    def test_what_did_not_pass_is_not_noted(self):
        new = self.at("new-three.example")
        with self.site.smtp() as session:
            session.mail(self.sender)
            session.rcpt(new)
            session.command("RSET")
        self.assertEqual(self.rule_for("new-three.example"), "new")

    def test_a_history_is_on_record(self):
        path = self.file("www.new-four.example\t1\n")
        self.daemon.ask("history", "import", "--counts", path)
        self.assertIsNone(self.rule_for("new-four.example"))

    def test_nothing_is_noted_without_leave(self):
        self.daemon.configure({**self.config, "history": {"learn": False}})
        self.addCleanup(self.daemon.ask, "reload")
        self.addCleanup(self.configure)
        self.daemon.ask("reload")
        for _ in range(2):
            self.assertEqual(self.rule_for("new-five.example"), "new")


class UnrecordedCase(StateCase):
    """Another program keeps the audit log locked."""

    config = {"audit": {"wait_ms": 500}}

    def test_what_cannot_be_recorded_is_not_changed(self):
        lock = sqlite3.connect(self.daemon.database, isolation_level=None)
        try:
            lock.execute("BEGIN IMMEDIATE")
            status, words = self.nearmiss("allow", "add", "army.ml")
        finally:
            lock.close()
        self.assertEqual(status, 4, words)
        self.assertEqual(self.daemon.ask("allow", "list", "--format", "json"), "")
        (verdict,) = self.daemon.check(["a@army.ml"])
        self.assertEqual(verdict["match"], "near-miss")


class DamageCase(StateCase):
    config = {"user": "nobody"}

    def test_a_daemon_without_its_state_does_not_start(self):
        path = os.path.join(self.daemon.folder, "state.db")
        self.daemon.stop()
        os.rename(path, path + ".kept")
        try:
            with open(path, "w") as file:
                file.write("some notes, and no database at all\n")
            done = self.daemon.run("-c", self.daemon.configuration, program="NEARMISSD")
            words = done.stdout + done.stderr
            tested = self.daemon.run(
                "-t", "-c", self.daemon.configuration, program="NEARMISSD"
            )
        finally:
            os.rename(path + ".kept", path)
            self.daemon.start()
        self.assertEqual(done.returncode, 4, words)
        self.assertIn(path, words)
        self.assertEqual(tested.returncode, 4, tested.stdout + tested.stderr)

    def test_a_second_daemon_is_told_of_the_first(self):
        status, words = self.nearmiss("status")
        self.assertEqual(status, 0, words)
        done = self.daemon.run("-c", self.daemon.configuration, program="NEARMISSD")
        self.assertEqual(done.returncode, 4, done.stderr)
        self.assertIn("another process writes it", done.stderr)


if __name__ == "__main__":
    main()
