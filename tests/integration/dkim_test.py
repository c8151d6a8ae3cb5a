"""
A signer behind us: what OpenDKIM signs is what is delivered, after the code was taken out
of the Subject and a header added. Of what it signs in front of us, the signature breaks.
"""

import os
import re
import shutil
import subprocess
import sys

from harness.case import SKIP, SiteCase, main, message
from harness.process import Port, Server

DOMAIN, SELECTOR = "example.org", "test"


class Signer:
    """An OpenDKIM that signs what comes from here, with a key of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.port = Port()
        os.mkdir(folder)
        subprocess.run(
            ["opendkim-genkey", "-b", "2048", "-d", DOMAIN, "-s", SELECTOR, "-D", folder],
            check=True,
            capture_output=True,
        )
        self.server = Server(
            "opendkim",
            ["opendkim", "-f", "-x", self._to_sign()],
            self._path("opendkim.log"),
        )
        self.server.until("accepts connections", self.port.accepts)

    @property
    def milter(self):
        return f"inet:{self.port.host}:{self.port.number}"

    def _path(self, name):
        return os.path.join(self.folder, name)

    def _write(self, name, text):
        with open(self._path(name), "w") as file:
            file.write(text)
        return self._path(name)

    def _configuration(self, *lines):
        common = (
            f"Socket inet:{self.port.number}@{self.port.host}",
            "Syslog no",
            "RequireSafeKeys no",
        )
        return self._write("opendkim.conf", "\n".join((*common, *lines, "")))

    def _to_sign(self):
        return self._configuration(
            "Mode s",
            f"Domain {DOMAIN}",
            f"Selector {SELECTOR}",
            f"KeyFile {self._path(SELECTOR)}.private",
            "Canonicalization relaxed/simple",
        )

    def _to_verify(self):
        with open(self._path(f"{SELECTOR}.txt")) as file:
            record = "".join(re.findall(r'"(.*?)"', file.read()))
        keys = self._write("keys", f"{SELECTOR}._domainkey.{DOMAIN} {record}\n")
        return self._configuration("Mode v", f"TestPublicKeys {keys}")

    def verdict(self, raw):
        """What OpenDKIM says of the message as it arrived."""
        name = self._path("arrived")
        with open(name, "wb") as file:
            file.write(re.sub(rb"\r?\n", b"\r\n", raw))
        done = subprocess.run(
            ["opendkim", "-x", self._to_verify(), "-t", name], capture_output=True, text=True
        )
        return done.stdout + done.stderr

    def close(self):
        self.server.stop()
        self.port.close()


class DkimCase(SiteCase):
    config = {
        "rules": [
            {"name": "mark", "recipient": ["mark*@*"], "confidence": 0.5, "action": "tag"},
            {"name": "ask", "confidence": 0.5, "action": "confirm"},
        ],
        "confirm": {"mode": "code"},
    }

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.signer = Signer(os.path.join(cls.site.folder, "dkim"))
        cls.addClassCleanup(cls.signer.close)

    def filter_by(self, *milters):
        """Have Postfix ask these filters, in this order."""
        self.postfix.run("postconf", "-e", f"smtpd_milters = {' '.join(milters)}")
        os.utime(os.path.join(self.postfix.configuration, "main.cf"), (0, 0))
        self.postfix.run("postfix", "reload")

    def text(self, subject):
        return message(
            self.mark, f"From: {self.sender}", f"To: {self.near}", subject=subject
        )

    def arrived(self, subject):
        """The message as it was delivered, once its sender has put the code in."""
        self.near, marked = self.at("army.ml"), self.at("army.ml", local="mark")
        refused = self.send(self.near, marked, text=self.text(subject.format(code="")))
        self.assert_reply(refused.end, 550, "5.7.1", "into the subject")
        code = re.search(r"put (NM-\w{8}) into", refused.end.text)[1]
        sent = self.send(self.near, marked, text=self.text(subject.format(code=code)))
        self.assert_reply(sent.end, 250)
        (delivery,) = self.assert_arrived(self.near, marked)
        self.assertEqual(len(delivery.header("DKIM-Signature")), 1)
        self.assertEqual(len(delivery.header("X-Nearmiss")), 1)
        self.assertNotIn(code, delivery.raw.decode())
        return delivery

    def test_behind_us_its_signature_holds(self):
        self.filter_by(f"unix:{self.daemon.milter_socket}", self.signer.milter)
        for number, (subject, left) in enumerate(
            (
                ("Hello {code} there", "Hello there"),
                ("[{code}] Hello", "Hello"),
                ("=?utf-8?Q?Gr=C3=BC=C3=9Fe_{code}?=", "=?utf-8?Q?Gr=C3=BC=C3=9Fe?="),
                ("{code}", None),
            )
        ):
            with self.subTest(subject=subject):
                if number:
                    self.setUp()
                delivery = self.arrived(subject)
                self.assertEqual(delivery.header("Subject"), [left] if left else [])
                self.assertIn("succeeded", self.signer.verdict(delivery.raw))

    def test_in_front_of_us_its_signature_breaks(self):
        self.filter_by(self.signer.milter, f"unix:{self.daemon.milter_socket}")
        verdict = self.signer.verdict(self.arrived("Hello {code} there").raw)
        self.assertIn("signature verification failed", verdict)


if __name__ == "__main__":
    for program in ("opendkim", "opendkim-genkey"):
        if not shutil.which(program):
            print(f"skipped: {program} is not installed (scripts/setup --test)")
            sys.exit(SKIP)
    main()
