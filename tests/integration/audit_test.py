"""
The audit log as its keepers see it: verified against the daemon's own checkpoints, pruned,
erased and signed by another key while mail flows, with addresses that are keyed from a
reload on.
"""

import os
import re
import shutil

from harness.case import SiteCase, main
from harness.wait import until


class KeeperCase(SiteCase):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.daemon.ask, "reload")
        self.addCleanup(self.daemon.configure)

    def test_the_log_fits_the_checkpoints_that_the_system_log_has(self):
        self.send(self.at("army.ml"))
        lines = re.findall(r"audit checkpoint log=.*", self.daemon.server.log.text())
        self.assertGreaterEqual(len(lines), 1)
        done = self.daemon.run(
            "audit", "verify", "-c", self.daemon.configuration, "--checkpoint", lines[-1]
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("It fits 1 checkpoint from elsewhere.", done.stdout)
        forged = lines[-1].replace("sequence=1", "sequence=2", 1)
        done = self.daemon.run(
            "audit", "verify", "-c", self.daemon.configuration, "--checkpoint", forged
        )
        self.assertEqual(done.returncode, 2, done.stdout + done.stderr)

    def test_a_person_is_erased_while_the_daemon_runs(self):
        gone, stays = self.at("army.ml"), self.at("army.mil")
        self.send(gone)
        self.send(stays)
        self.daemon.settled_rows(stays, 1)
        printed = self.daemon.ask("audit", "erase", "--reason", "asked", gone)
        self.assertEqual(printed, "Erased: what is personal in 1 events.\n")
        self.assertEqual(self.daemon.rows(gone), [])
        self.assertEqual(len(self.daemon.rows(stays)), 1)
        self.assertIn("The log is sound", self.daemon.ask("audit", "verify"))
        acts = self.daemon.ask("audit", "list", "--acts")
        self.assertRegex(acts, r"root \(uid 0\) +erased .*asked")
        self.assertNotIn(gone, acts)

    def test_the_log_is_pruned_while_the_daemon_runs(self):
        self.send(self.at("army.ml"))
        printed = self.daemon.ask("audit", "prune", "--before", "1d")
        self.assertRegex(printed, r"Cut off: 0 events")
        self.assertEqual(len(self.daemon.rows(self.at("army.ml"))), 1)

    def verified(self, *options):
        done = self.daemon.run("audit", "verify", "-c", self.daemon.configuration, *options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_another_key_signs_while_the_daemon_runs(self):
        old = os.path.join(self.daemon.folder, "old.pub")
        shutil.copy(self.daemon.database + "-key.pub", old)
        self.send(self.at("army.ml"))
        printed = self.daemon.ask("audit", "rotate-key", "--reason", "a year is over")
        key = re.search(r"\b[0-9a-f]{64}\b", printed)[0]
        self.send(self.at("army.ml"))
        log = self.daemon.server.log.text()
        self.assertIn(f"signed with another key from here on new_key={key}", log)
        lines = "\n".join(re.findall(r"audit checkpoint log=.*", log))
        self.assertIn(f" key={key} ", lines)
        for options in ((), ("--key", old)):
            self.assertIn("from elsewhere", self.verified("--checkpoint", lines, *options))
        self.daemon.kill()
        self.daemon.start()
        self.send(self.at("army.ml"))
        self.assertIn("The log is sound", self.verified("--key", old))
        acts = self.daemon.ask("audit", "list", "--acts")
        self.assertEqual(len(re.findall(r"root \(uid 0\) +key-rotated .*a year is over", acts)), 1)

    def test_addresses_are_keyed_from_a_reload_on(self):
        bad = self.at("army.ml")
        self.daemon.configure({"audit": {"recipient_local_part": "keyed"}})
        self.daemon.ask("reload")
        self.send(bad)

        def found():
            listed = self.daemon.ask("audit", "list", "--recipient", bad, "--format", "json")
            return listed if "refused" in listed else None

        listed = until("the keyed recipient is found", found)
        self.assertNotIn(bad, listed)
        self.assertRegex(listed, r'"recipient":"~[a-z2-7]{16}@army\.ml"')


if __name__ == "__main__":
    main()
