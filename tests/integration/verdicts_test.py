"""
One corpus, three ways to ask: `nearmiss check`, a message through the gate alone
(replay), and the daemon over real SMTP. Their verdicts are the same, byte for byte.
"""

import concurrent.futures
import json
import os
import subprocess

from harness.case import SiteCase, main

FOLDER = os.path.join(os.path.dirname(__file__), "verdicts")
FIELDS = (
    "recipient domain match target technique confidence rule action reply".split()
)
A_SESSION = 8  # recipients; Postfix slows down who is refused more often
LETTERS = "aeilmnory-."


def slips(name):
    """All names one edit away from `name`, with a few letters to insert."""
    found = set()
    for at in range(len(name) + 1):
        head, tail = name[:at], name[at:]
        found.add(head + tail[1:])
        found.add(head + tail[1:2] + tail[:1] + tail[2:])
        for letter in LETTERS:
            found.add(head + letter + tail)
            found.add(head + letter + tail[1:])
    return sorted(one for one in found - {name} if is_accepted(one))


def is_accepted(domain):
    """Whether Postfix would take the name at all, so that the daemon hears of it."""
    labels = domain.split(".")
    return all(label and label.strip("-") == label for label in labels)


def corpus():
    with open(os.path.join(FOLDER, "addresses.txt"), encoding="utf-8") as file:
        addresses = file.read().splitlines()
    for name in ("army.mil", "partner.example"):
        addresses += [f"bob@{slip}" for slip in slips(name)]
    return list(dict.fromkeys(addresses))


def verdicts(lines):
    """The fields of each object, numbers as they were printed."""
    rows = [json.loads(line, parse_float=str, parse_int=str) for line in lines]
    return [{field: row[field] for field in FIELDS} for row in rows]


class VerdictsCase(SiteCase):
    config = {
        "protect": {
            "domains": ["army.mil", "partner.example", "bücher.example"],
            "providers": True,
        },
        "allow": {"domains": ["orange.ml"]},
        "rules": [
            {
                "name": "trial",
                "target": ["partner.example"],
                "technique": ["transposition"],
                "action": "reject",
                "mode": "observe",
            },
            {"name": "sure", "confidence": 0.99, "action": "reject"},
            {
                "name": "later",
                "confidence": 0.9,
                "action": "defer",
                "reply": "%{slip}? %{domain} %{target} %{ref} 100%%",
            },
            {"name": "ask", "confidence": 0.8, "action": "hold"},
            {"name": "maybe", "confidence": 0.5, "action": "tag"},
            {"name": "closed", "domain": ["*.closed.example"], "action": "reject"},
        ],
    }

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addresses = corpus()
        cls.input = "".join(address + "\n" for address in cls.addresses)
        cls.by_check = verdicts(
            cls.daemon.ask("check", "--format", "json", "-", text_in=cls.input).splitlines()
        )

    def test_the_corpus_has_every_action_and_match(self):
        """Or the others would compare little."""
        self.assertEqual(
            {row["action"] for row in self.by_check},
            {"accept", "tag", "hold", "defer", "reject"},
        )
        self.assertLessEqual(
            {"own", "protected", "allowed", "known", "near-miss", "none"},
            {row["match"] for row in self.by_check},
        )

    def test_the_gate_alone_says_the_same(self):
        done = subprocess.run(
            [os.environ["REPLAY"], "--verdicts", self.daemon.configuration],
            input=self.input,
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(verdicts(done.stdout.splitlines()), self.by_check)

    def send(self, addresses):
        """Name addresses to Postfix, each in a transaction of its own; the replies."""
        replies = []
        with self.site.smtp() as session:
            for address in addresses:
                option = "" if address.isascii() else " SMTPUTF8"
                commands = [f"MAIL FROM:<{self.sender}>{option}", f"RCPT TO:<{address}>"]
                replies.append(session.pipeline([*commands, "RSET"])[1])
        return replies

    def send_all(self):
        """From several clients at once, so that they share the log's commits."""
        chunks = [
            self.addresses[start : start + A_SESSION]
            for start in range(0, len(self.addresses), A_SESSION)
        ]
        with concurrent.futures.ThreadPoolExecutor(8) as clients:
            return [reply for chunk in clients.map(self.send, chunks) for reply in chunk]

    def test_the_daemon_says_the_same_over_smtp(self):
        replies = self.send_all()
        self.daemon.settled_rows(self.mark, len(self.addresses))
        listed = self.daemon.ask("audit", "list", "--format", "json").splitlines()
        full = {row["recipient"]: row for row in map(json.loads, listed)}
        by_daemon = {row["recipient"]: row for row in verdicts(listed)}
        self.assertEqual(len(listed), len(self.addresses))
        for address, reply, said in zip(self.addresses, replies, self.by_check):
            with self.subTest(address):
                row, mode = by_daemon[address], full[address]["mode"]
                if mode == "enforce" and row["action"] in ("reject", "defer"):
                    self.assertEqual(str(reply), row["reply"])
                else:
                    self.assertEqual(reply.code, 250, str(reply))
                if row["reply"] is not None:
                    row["reply"] = row["reply"].replace(full[address]["id"], "(none)")
                self.assertEqual(row, said)


if __name__ == "__main__":
    main(programs=("NEARMISSD", "NEARMISS", "REPLAY"))
