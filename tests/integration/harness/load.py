"""Load from many clients at once, with every answer kept, and what must be true of it."""

import subprocess
import threading

from .case import message
from .smtp import Smtp
from .wait import until

CLIENTS = 8


class Clients:
    """Clients that send one message after the other, each to a near miss and a good
    recipient, until they are told to stop; and every answer that they got."""

    def __init__(self, case):
        self._case = case
        self._over = threading.Event()
        self._lock = threading.Lock()
        self.references = []  # of refused recipients
        self.queue_ids = []  # of messages that were accepted
        self.put_off = 0
        self.faults = []
        self._threads = [
            threading.Thread(target=self._run, args=(number,)) for number in range(CLIENTS)
        ]
        for thread in self._threads:
            thread.start()

    def _run(self, number):
        try:
            while not self._over.is_set():
                with Smtp(self._case.postfix.port.address) as session:
                    session.hello()
                    for _ in range(5):
                        self._one_message(session, number)
        except Exception as fault:  # handed to the case, which fails with it
            with self._lock:
                self.faults.append(fault)

    def _one_message(self, session, number):
        case = self._case
        session.command("RSET")
        answers = {"MAIL": session.mail(case.sender)}
        if answers["MAIL"].code == 250:
            answers["bad"] = session.rcpt(case.at("army.ml", local=f"u{number}"))
            answers["good"] = session.rcpt(case.at("army.mil", local=f"u{number}"))
        if "good" in answers and answers["good"].code == 250:
            answers["end"] = session.data(message(case.mark))
        expected = {"MAIL": 250, "bad": 550, "good": 250, "end": 250}
        with self._lock:
            for part, reply in answers.items():
                if reply.code == 451:
                    self.put_off += 1
                elif reply.code != expected[part]:
                    self.faults.append(reply)
                elif part == "bad":
                    self.references.append(reply.reference)
                elif part == "end":
                    self.queue_ids.append(reply.queue_id)

    def until_answered(self, count):
        until(
            f"{count} answers",
            lambda: self.faults or min(len(self.references), len(self.queue_ids)) >= count,
        )

    def until_put_off(self):
        until("mail is put off", lambda: self.faults or self.put_off >= CLIENTS)

    def finish(self):
        self._over.set()
        for thread in self._threads:
            thread.join()


def assert_recorded(case, clients):
    """Whatever the clients were answered is on record, and what arrived is just what was
    accepted."""
    case.assertEqual(clients.faults, [])
    case.postfix.settle(clients.queue_ids)
    case.assertEqual(case.queue(), [])
    rows = case.daemon.rows(case.mark)
    by_id = {row["id"]: row for row in rows}
    case.assertEqual(len(by_id), len(rows))
    for reference in clients.references:
        case.assertEqual(by_id[reference]["action"], "reject")
    passed = [
        row["queue_id"]
        for row in rows
        if row["outcome"] == "passed" and row["action"] == "accept"
    ]
    # A message may be called passed whose end the client was never told, not the other
    # way round.
    case.assertEqual(set(clients.queue_ids) - set(passed), set())
    case.assertEqual(len(set(passed)), len(passed))
    arrived = case.site.sink.deliveries(case.mark)
    case.assertEqual(len(arrived), len(clients.queue_ids))
    for delivery in arrived:
        case.assertTrue(delivery.recipients[0].endswith("@army.mil"))


def smtp_source(postfix, sender, recipient, messages, recipients):
    """Postfix's own load generator, started: so many messages with so many recipients."""
    return subprocess.Popen(
        [
            "smtp-source",
            *("-s", str(CLIENTS)),
            *("-m", str(messages)),
            *("-r", str(recipients)),
            *("-l", "512"),
            *("-f", sender),
            *("-t", recipient),
            f"{postfix.port.host}:{postfix.port.number}",
        ]
    )
