"""
What the README shows of a real server: the lines of the demo, the installation's steps,
and the settings for Postfix that the other tests run with.
"""

import grp
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import unittest

from harness.case import main

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, "..", "..")


def text_of(*path):
    with open(os.path.join(SOURCE, *path)) as file:
        return file.read()


def block_after(heading):
    """The first block of the README behind a heading."""
    rest = text_of("README.md").split(f"\n## {heading}\n")[1]
    return re.search(r"(?s)```\n(.*?)```", rest)[1]


def masked(line):
    """A line without what differs from run to run."""
    for pattern, word in (
        (r"\b01[0-9A-HJKMNP-TV-Z]{24}\b", "REFERENCE"),
        (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+Z)?", "TIME"),
        (r"queued as \S+", "queued as ID"),
        (r"\b[0-9a-f]{64}\b", "HASH"),
        (r"(?<![.\w])(0\.\d+|1)(?=[) ])", "CONFIDENCE"),
        (r" +", " "),
    ):
        line = re.sub(pattern, word, line)
    return line.strip()


class ReadmeCase(unittest.TestCase):
    def test_the_demo_prints_what_is_shown(self):
        done = subprocess.run(
            [sys.executable, os.path.join(HERE, "demo.py")], capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        printed = [masked(line) for line in done.stdout.splitlines()]
        shown = [masked(line) for line in block_after("What it looks like").splitlines()]
        self.assertGreater(len(shown), 20)
        for line in shown:
            self.assertIn(line, printed)
            printed = printed[printed.index(line) + 1 :]

    def test_the_settings_for_postfix_are_those_that_the_tests_run_with(self):
        readme = text_of("README.md")
        for line in (
            "smtpd_milters = unix:nearmiss/milter.sock",
            "milter_default_action = tempfail",
        ):
            self.assertEqual(len(re.findall(rf"(?m)^ *{re.escape(line)}$", readme)), 1, line)


class AccountCase(unittest.TestCase):
    """systemd-sysusers and systemd-tmpfiles with the files that an installation has."""

    def setUp(self):
        for program in ("systemd-sysusers", "systemd-tmpfiles"):
            if shutil.which(program) is None:
                self.skipTest(f"needs {program}")
        folder = tempfile.TemporaryDirectory(prefix="nearmiss-root-")
        self.addCleanup(folder.cleanup)
        self.root = folder.name
        for name in ("etc", "var/spool/postfix", "usr/lib/sysusers.d", "usr/lib/tmpfiles.d"):
            os.makedirs(os.path.join(self.root, name))
        for kind in ("sysusers", "tmpfiles"):
            shutil.copy(
                os.path.join(SOURCE, "systemd", f"nearmiss.{kind}"),
                os.path.join(self.root, "usr", "lib", f"{kind}.d", "nearmiss.conf"),
            )
        postfix = pwd.getpwnam("postfix"), grp.getgrnam("postfix")
        with open(os.path.join(self.root, "etc", "group"), "w") as file:
            file.write(f"root:x:0:\npostfix:x:{postfix[1].gr_gid}:\n")
        with open(os.path.join(self.root, "etc", "passwd"), "w") as file:
            file.write(
                "root:x:0:0:root:/root:/bin/sh\n"
                f"postfix:x:{postfix[0].pw_uid}:{postfix[1].gr_gid}::/:/bin/false\n"
            )

    def numbers(self, database):
        """Names to numbers, of an account file in the root."""
        with open(os.path.join(self.root, "etc", database)) as file:
            return {line.split(":")[0]: int(line.split(":")[2]) for line in file}

    def test_the_account_and_the_folders_are_as_the_guide_says(self):
        for program, action in (("systemd-sysusers", []), ("systemd-tmpfiles", ["--create"])):
            done = subprocess.run(
                [program, f"--root={self.root}", *action], capture_output=True, text=True
            )
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        users, groups = self.numbers("passwd"), self.numbers("group")
        for folder, group, mode in (
            ("var/lib/nearmiss", "nearmiss", 0o750),
            ("var/spool/postfix/nearmiss", "postfix", 0o750),
            ("run/nearmiss", "nearmiss", 0o755),
        ):
            found = os.stat(os.path.join(self.root, folder))
            self.assertEqual(
                (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)),
                (users["nearmiss"], groups[group], mode),
                folder,
            )
        with open(os.path.join(self.root, "etc", "group")) as file:
            self.assertIn("nearmiss", re.search(r"(?m)^postfix:.*$", file.read())[0])


if __name__ == "__main__":
    main()
