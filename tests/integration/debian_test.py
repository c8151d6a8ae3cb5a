"""
Debian's own master.cf, untouched, with the shipped nearmiss.conf: smtpd and cleanup run
in a chroot and reach the daemon's socket below the queue directory, by the permissions
that the shipped tmpfiles give its folder.
"""

import os
import re
import shutil
import subprocess
import unittest

from harness.case import SiteCase, main, message
from harness.daemon import USER
from harness.process import Port, enter_own_network

SOURCE = os.path.join(os.path.dirname(__file__), "..", "..")
MASTER = "/usr/share/postfix/master.cf.dist"
PREPARE_CHROOT = "/usr/lib/postfix/configure-instance.sh"  # as Debian's unit runs it
QUEUE = "/var/spool/postfix"


def shipped(*path):
    with open(os.path.join(SOURCE, *path)) as file:
        return file.read()


def smtp_port():
    """Port 25, which that master.cf fixes; None when it is not ours to have."""
    enter_own_network()
    try:
        return Port("127.0.0.1", 25)
    except OSError:
        return None


class ChrootCase(SiteCase):
    @classmethod
    def setUpClass(cls):
        port = smtp_port()
        if port is None or not os.path.exists(MASTER):
            raise unittest.SkipTest("needs port 25 on loopback, and Debian's Postfix")
        cls.site_options = {
            "master": MASTER,
            "port": port,
            "milters": "unix:nearmiss/milter.sock",  # as the README says
        }
        super().setUpClass()

    @classmethod
    def configure(cls):
        subprocess.run(
            [PREPARE_CHROOT],
            check=True,
            env={**os.environ, "MAIL_CONFIG": cls.postfix.configuration},
        )
        cls.make_socket_folder()
        cls.daemon.configure(text=cls.configuration())

    @classmethod
    def make_socket_folder(cls):
        """As systemd-tmpfiles would, below this instance's queue directory."""
        line = re.search(
            rf"(?m)^d {QUEUE}/(\S+) (\d+) nearmiss (\S+)",
            shipped("systemd", "nearmiss.tmpfiles"),
        )
        folder = os.path.join(cls.postfix.queue_folder, line[1])
        os.mkdir(folder)
        shutil.chown(folder, USER, line[3])
        os.chmod(folder, int(line[2], 8))
        cls.daemon.milter_socket = os.path.join(folder, "milter.sock")

    @classmethod
    def configuration(cls):
        """The shipped one, with this instance's places and the two lists filled in."""
        text = shipped("conf", "nearmiss.conf")
        for old, new in (
            (f'"unix:{QUEUE}/', f'"unix:{cls.postfix.queue_folder}/'),
            ('"/var/lib/nearmiss/audit.db"', f'"{cls.daemon.database}"'),
            ("own = [];", 'own = [ "example.org" ];'),
            ("domains = [];    # [ \"army.mil\"", 'domains = [ "army.mil" ]; # [ "army.mil"'),
        ):
            assert text.count(old) == 1, f"conf/nearmiss.conf has {text.count(old)} times: {old}"
            text = text.replace(old, new)
        return text + f'control = {{ socket = "unix:{cls.daemon.control_socket}"; }};\n'

    def smtpd_root(self):
        """The root directory of the smtpd that served last."""
        pid = re.findall(r"postfix/smtpd\[(\d+)\]: connect", self.postfix.log.text())[-1]
        return os.readlink(f"/proc/{pid}/root")

    def test_the_chrooted_smtpd_reaches_the_daemon(self):
        bad, good = self.at("army.ml"), self.at("army.mil")
        with self.site.smtp() as session:
            answers = self.transfer(session, [bad, good])
            self.assertEqual(self.smtpd_root(), self.postfix.queue_folder)
        self.assert_reply(answers.rcpt[bad], 550, "5.7.1", "army.mil", "Ref ")
        self.assert_reply(answers.end, 250)
        self.assert_arrived(good)
        self.assertEqual(self.queue(), [])
        self.assert_rows(
            {"recipient": bad, "rule": "mil-ml", "action": "reject", "outcome": "refused"},
            {"recipient": good, "match": "protected", "outcome": "passed"},
        )

    def test_the_chrooted_cleanup_reaches_the_daemon(self):
        good = self.at("army.mil")
        queue_id = self.postfix.submit(self.sender, [good], message(self.mark).decode())
        self.accepted.append(queue_id)
        self.assert_arrived(good)
        self.assertEqual(self.queue(), [])
        self.assert_rows({"recipient": good, "outcome": "passed", "queue_id": queue_id})

    def test_nobody_else_reaches_the_socket(self):
        folder = os.path.dirname(self.daemon.milter_socket)
        for path in (folder, self.daemon.milter_socket):
            status = os.stat(path)
            self.assertEqual(status.st_mode & 0o007, 0, path)
        done = subprocess.run(
            ["ls", folder], user="daemon", group="daemon", extra_groups=[], capture_output=True
        )
        self.assertNotEqual(done.returncode, 0)


if __name__ == "__main__":
    main()
