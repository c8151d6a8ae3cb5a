"""
scripts/demo's second half: a Postfix, a sink and nearmissd in one temporary folder, five
messages through them, and what became of each. What it tells it checks, and fails where
something else happens.
"""

import signal
import sys
import textwrap

from harness.site import Site

CONFIG = {
    "protect": {
        "own": ["example.org"],
        "domains": ["army.mil", "us.army.mil", "partner.example"],
        "suffixes": ["mil"],
    },
    "rules": [
        {
            "name": "mil-ml",
            "technique": ["suffix"],
            "target": ["*.mil"],
            "action": "reject",
        },
        {"name": "look-alike", "technique": ["glyph"], "action": "reject"},
        {"name": "dots", "technique": ["dot"], "action": "hold"},
        {"name": "sure", "confidence": 0.99, "action": "reject"},
        {"name": "likely", "confidence": 0.90, "action": "hold"},
        {"name": "maybe", "confidence": 0.50, "action": "tag"},
    ],
}
SENDER = "alice@example.org"
QUIET = ("220", "221", "354")  # what a server says in any session


def expect(what, got, wanted):
    if got != wanted:
        raise AssertionError(f"{what}: {got}, and not {wanted}")


def heading(text):
    print("\n" + textwrap.fill(f"=== {text}", 88, subsequent_indent="    "))


def say(text):
    print(textwrap.fill(text, 88))


def block(text):
    print(textwrap.indent(text.rstrip("\n"), "    ") or "    (nothing)")


class Demo:
    def __init__(self, site):
        self.site = site
        self.accepted = []

    def send(self, why, recipients, subject, options=""):
        """One message in a session of its own, with the part of its dialogue that
        matters. `recipients` gives each with the code that answers it."""
        heading(why)
        with self.site.smtp() as session:
            del self.site.dialogue[:]
            session.mail(SENDER, options)
            replies = [session.rcpt(recipient) for recipient in recipients]
            if any(reply.code == 250 for reply in replies):
                text = f"From: {SENDER}\nSubject: {subject}\n\nHello.\n"
                end = session.data(text.encode())
                self.accepted += [end.queue_id] if end.queue_id else []
        for direction, line in self.site.dialogue:
            if direction == "C" and line.startswith(("QUIT", "DATA")):
                continue
            if direction == "S" and line.startswith(QUIET):
                continue
            block(f"{direction}: {line}")
        expect("answered", [reply.code for reply in replies], list(recipients.values()))
        return replies

    def delivered(self, wanted):
        heading("What was delivered, with its envelope")
        self.held = self.site.postfix.settle(self.accepted)
        deliveries = self.site.sink.deliveries()
        expect("delivered", sorted(one for d in deliveries for one in d.recipients), wanted)
        for delivery in deliveries:
            subject = (delivery.header("Subject") or [""])[0]
            block(f"to {', '.join(delivery.recipients)}: {subject}")

    def hold_queue(self):
        heading("What waits in Postfix's hold queue, for somebody to decide")
        queue = [(row["queue_id"], row["queue_name"]) for row in self.site.postfix.queue()]
        expect("queued", queue, [(queue_id, "hold") for queue_id in self.held])
        block(self.site.postfix.run("postqueue", "-p"))

    def ask(self, why, *words):
        heading(why)
        print(f"    $ nearmiss {' '.join(words)}")
        block(self.site.daemon.ask(*words))


def run(site):
    demo = Demo(site)
    say(
        "Here are a Postfix with smtpd_milters = unix:.../milter.sock, and a nearmissd which "
        "protects army.mil, us.army.mil, partner.example and the suffix mil. C: is the "
        "client that sends mail, S: is Postfix."
    )
    demo.send(
        "A message to a good recipient. It goes through.", {"bob@army.mil": 250}, "The first"
    )
    refused = demo.send(
        "A near miss: one letter of the suffix is missing, and .ml is Mali's. It is refused, "
        "and the sender told why.",
        {"bob@army.ml": 550},
        "The second",
    )[0]
    demo.send(
        "Both at once. The good recipient gets the message, the other is refused.",
        {"carol@partner.example": 250, "dave@army.ml": 550},
        "The third",
    )
    demo.send(
        "A look-alike: the second letter is a Cyrillic one, sent by SMTPUTF8. It is refused.",
        {"erin@p\u0430rtner.example": 550},
        "The fourth",
        "SMTPUTF8",
    )
    demo.send(
        "A dot is missing: us.army.mil was meant, perhaps. For slips of dots the rules here "
        "say to hold the message until somebody has looked.",
        {"frank@usarmy.mil": 250},
        "The fifth",
    )
    demo.delivered(["bob@army.mil", "carol@partner.example"])
    demo.hold_queue()
    demo.ask(
        "The audit log: one row a recipient, on the disk before the client was answered",
        "audit",
        "list",
    )
    demo.ask(
        "The story behind one reference, as a help desk would look it up",
        "audit",
        "show",
        refused.reference,
    )
    heading("Releasing the held message: the sender was asked, and it was meant")
    (held,) = demo.held
    print(f"    $ postsuper -H {held}")
    site.postfix.release(held)
    (last,) = site.sink.deliveries("frank@usarmy.mil")
    block(f"delivered to {', '.join(last.recipients)}: {last.header('Subject')[0]}")


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    site = None
    print("Starting Postfix, smtp-sink and nearmissd on loopback ...")
    try:
        site = Site()
        site.daemon.configure(CONFIG)
        site.daemon.start()
        run(site)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except Exception as fault:
        print(f"\nThe demo failed: {fault}", file=sys.stderr)
        if site:
            for log in (site.daemon.server and site.daemon.server.log, site.postfix.log):
                if log:
                    print(f"---- {log.path}\n{log.text()[-4000:]}", file=sys.stderr)
        return 1
    finally:
        if site:
            site.close()
    print("\nAll is stopped and removed. To set it up for real: README.md, step by step.")
    return 0


sys.exit(main())
