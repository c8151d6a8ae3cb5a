"""What is learnt and changed while mail flows."""

import json
import os

from harness.case import SiteCase, main


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
