"""
unittest on top of a site: a module's cases share one Postfix, for its start is the
costly part, and each class its daemon's configuration.

A case tells its own mail by a mark in its addresses, asserts the four things (what SMTP
answered, what arrived, what is queued, what is on record), and on failure shows the
dialogue and the logs since it began.
"""

import os
import shutil
import signal
import sys
import unittest
from typing import NamedTuple

from .site import Site
from .wait import until

SKIP = 77  # ctest's SKIP_RETURN_CODE
LONGEST_S = 280  # a module's run, below ctest's own limit: who is killed tidies nothing up


class Answers(NamedTuple):
    """What Postfix answered to the parts of one message."""

    mail: object
    rcpt: dict
    end: object  # of the message, or to DATA when that was refused


def message(mark, *headers, subject="A test", body="Hello.\n"):
    lines = [f"X-Case: {mark}", f"Subject: {subject}", *headers]
    return "".join(line + "\n" for line in lines).encode() + b"\n" + body.encode()


class SiteCase(unittest.TestCase):
    """`config` is laid over the daemon's configuration for the cases of a class, and
    `site_options` are the Postfix's; a class that wants others has a site of its own."""

    config = {}
    site_options = {}
    maxDiff = None
    site = None
    _site_options = None
    _count = 0

    @classmethod
    def setUpClass(cls):
        cls.open_site()
        cls.configure()
        cls.daemon.start()
        cls.addClassCleanup(cls.daemon.stop)

    @classmethod
    def open_site(cls):
        if SiteCase._site_options != cls.site_options:
            SiteCase.close_site()
            SiteCase.site = Site(**cls.site_options)
            SiteCase._site_options = cls.site_options
        cls.daemon, cls.postfix = cls.site.daemon, cls.site.postfix

    @staticmethod
    def close_site():
        site, SiteCase.site, SiteCase._site_options = SiteCase.site, None, None
        if site:
            site.close()

    @classmethod
    def configure(cls):
        cls.daemon.configure(cls.config)

    def setUp(self):
        SiteCase._count += 1
        self.mark = f"case{SiteCase._count:03d}"
        self.sender = f"{self.mark}@example.org"
        self.accepted = []  # queue ids of this case's messages

    def run(self, result=None):
        site = SiteCase.site
        logs = _logs(site) if site else []
        starts = [log.size() for log in logs]
        if site:
            site.dialogue.clear()
        faults = _faults(result)
        try:
            return super().run(result)
        except KeyboardInterrupt:
            faults = None
            raise
        finally:
            if site and _faults(result) != faults:
                _show(self, site, logs, starts)

    # ---- speaking -------------------------------------------------------

    def at(self, domain, local="bob"):
        """An address of this case's own."""
        return f"{local}.{self.mark}@{domain}"

    def transfer(self, session, recipients, sender=None, options="", text=None):
        """One message in an open session; Answers."""
        sender = self.sender if sender is None else sender
        mail = session.mail(sender, options)
        replies = {recipient: session.rcpt(recipient) for recipient in recipients}
        end = session.data(text or message(self.mark))
        self.note(end)
        return Answers(mail, replies, end)

    def send(self, *recipients, **how):
        """One message in a session of its own."""
        with self.site.smtp() as session:
            return self.transfer(session, recipients, **how)

    def note(self, end):
        """Remember a message that was accepted, so that its fate is waited for."""
        if end.queue_id:
            self.accepted.append(end.queue_id)

    # ---- the four things ------------------------------------------------

    def assert_reply(self, reply, code, status=None, *words):
        self.assertEqual(reply.code, code, str(reply))
        if status:
            self.assertEqual(reply.status, status, str(reply))
        for word in words:
            self.assertIn(word, reply.text)

    def assert_arrived(self, *recipients):
        """Exactly these got this case's mail, now that its messages have settled; the
        deliveries."""
        self.postfix.settle(self.accepted)
        deliveries = self.site.sink.deliveries(self.mark)
        got = [recipient for delivery in deliveries for recipient in delivery.recipients]
        self.assertEqual(sorted(got), sorted(recipients))
        return deliveries

    def assert_held(self, *queue_ids):
        """Of this case's mail just these messages are queued, and all of them held."""
        self.postfix.settle(self.accepted)
        rows = [(row["queue_id"], row["queue_name"]) for row in self.queue()]
        self.assertEqual(sorted(rows), sorted((one, "hold") for one in queue_ids))

    def queue(self):
        """This case's messages, none of which pickup has in hand: such a one is in two
        queues for a moment."""
        rows = []

        def at_rest():
            rows[:] = self.postfix.queue(self.mark)
            return all(row["queue_name"] != "maildrop" for row in rows)

        until("pickup is done", at_rest)
        return rows

    def assert_rows(self, *expected):
        """This case's rows are just these, in order; each dict names the fields that count.
        The rows."""
        rows = self.daemon.settled_rows(self.mark, len(expected))
        shown = [
            {name: row.get(name, "(no such field)") for name in fields}
            for row, fields in zip(rows, expected)
        ]
        self.assertEqual(shown, list(expected))
        self.assertEqual(len(rows), len(expected), rows)
        return rows


def _faults(result):
    return len(result.failures) + len(result.errors)


def _logs(site):
    daemon_log = site.daemon.server.log if site.daemon.server else None
    return [log for log in (daemon_log, site.postfix.log) if log]


def _show(case, site, logs, starts):
    out = [f"---- {case.id()}: dialogue"]
    out += [f"{direction}: {line}" for direction, line in site.dialogue[-200:]]
    for log, start in zip(logs, starts):
        out += [f"---- {log.path}", *log.text(start).splitlines()[-200:]]
    print("\n".join(out), file=sys.stderr, flush=True)


def missing(programs):
    """Why the tests cannot run here, or None."""
    if os.geteuid() != 0:
        return "a private Postfix needs root"
    for program in ("postfix", "smtp-sink", "smtp-source"):
        if not shutil.which(program):
            return f"{program} is not installed (scripts/setup --test)"
    for name in programs:
        if not os.access(os.environ.get(name, ""), os.X_OK):
            return f"the environment's {name} names no program"
    return None


def main(programs=("NEARMISSD", "NEARMISS"), longest_s=LONGEST_S):
    """Run the calling module's cases, which need `programs`; exit status 77 where they
    cannot run."""
    reason = missing(programs)
    if reason:
        print(f"skipped: {reason}")
        sys.exit(SKIP)
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.default_int_handler)
    signal.alarm(longest_s)
    try:
        tests = unittest.main(module="__main__", verbosity=2, exit=False)
    finally:
        SiteCase.close_site()
    sys.exit(not tests.result.wasSuccessful())
