"""How sessions run: the ways in which clients and Postfix speak to each other."""

from harness.case import SiteCase, main, message
from harness.process import Port

LOOKALIKE = "аrmy.mil"  # its first letter is Cyrillic
LOOKALIKE_A_LABEL = "xn--rmy-5cd.mil"


def crlf(text):
    return text.replace(b"\n", b"\r\n")


class SessionCase(SiteCase):
    config = {
        "protect": {"domains": ["army.mil", "bücher.example"]},
        "rules": [
            {"name": "mil-ml", "technique": ["suffix"], "action": "reject"},
            {"name": "looks", "technique": ["glyph"], "action": "reject"},
        ],
    }

    def test_pipelined_commands_get_each_its_answer(self):
        recipients = [self.at("army.ml"), self.at("army.mil"), self.at("army.ml", "eve")]
        with self.site.smtp() as session:
            replies = session.pipeline(
                [
                    f"MAIL FROM:<{self.sender}>",
                    *[f"RCPT TO:<{recipient}>" for recipient in recipients],
                    "DATA",
                ]
            )
            self.assertEqual([reply.code for reply in replies], [250, 550, 250, 550, 354])
            end = session.text(message(self.mark))
            self.note(end)
        self.assert_reply(end, 250)
        self.assert_arrived(recipients[1])
        self.assertEqual(self.queue(), [])
        self.assert_rows(
            {"recipient": recipients[0], "action": "reject"},
            {"recipient": recipients[1], "action": "accept", "outcome": "passed"},
            {"recipient": recipients[2], "action": "reject"},
        )

    def test_a_message_in_chunks_is_judged_alike(self):
        bad, good = self.at("army.ml"), self.at("army.mil")
        head, tail = crlf(message(self.mark)).split(b"Hello", 1)
        with self.site.smtp() as session:
            session.mail(self.sender)
            self.assert_reply(session.rcpt(bad), 550)
            self.assert_reply(session.rcpt(good), 250)
            self.assert_reply(session.bdat(head), 250)
            end = session.bdat(b"Hello" + tail, last=True)
            self.note(end)
        self.assert_reply(end, 250, None, "queued as")
        self.assert_arrived(good)
        self.assertEqual(self.queue(), [])
        self.assert_rows(
            {"recipient": bad, "action": "reject"},
            {"recipient": good, "action": "accept", "outcome": "passed"},
        )

    def test_a_domain_that_looks_the_same_is_refused(self):
        bad, good = self.at(LOOKALIKE), self.at("army.mil")
        answers = self.send(bad, good, options="SMTPUTF8")
        self.assert_reply(answers.rcpt[bad], 550, "5.7.1", "army.mil", "Ref ")
        self.assert_reply(answers.end, 250)
        self.assert_arrived(good)
        self.assertEqual(self.queue(), [])
        self.assert_rows(
            {
                "recipient": bad,
                "domain": LOOKALIKE_A_LABEL,
                "target": "army.mil",
                "technique": "glyph",
                "action": "reject",
            },
            {"recipient": good, "action": "accept", "outcome": "passed"},
        )

    def test_a_domain_that_looks_the_same_is_refused_as_an_a_label(self):
        bad = self.at(LOOKALIKE_A_LABEL)
        self.assert_reply(self.send(bad).rcpt[bad], 550, "5.7.1", "army.mil")
        self.assert_arrived()
        self.assertEqual(self.queue(), [])
        self.assert_rows({"domain": LOOKALIKE_A_LABEL, "technique": "glyph"})

    def test_no_local_part_hides_its_domain(self):
        bad = [
            f'"b\x01ob.{self.mark}"@army.ml',
            self.at("army.ml", local="b\x7fob"),
            self.at("army.ml", local="bounce+" + "0123456789" * 40),
        ]
        answers = self.send(*bad, self.at("army.mil"))
        for recipient in bad:
            self.assert_reply(answers.rcpt[recipient], 550, "5.7.1", "army.mil")
        self.assert_arrived(self.at("army.mil"))
        self.assertEqual(self.queue(), [])
        self.assert_rows(
            *[{"recipient": one, "domain": "army.ml", "action": "reject"} for one in bad],
            {"recipient": self.at("army.mil"), "outcome": "passed"},
        )

    def test_a_utf8_address_goes_through_as_it_came(self):
        good = self.at("bücher.example", local="jürgen")
        answers = self.send(good, options="SMTPUTF8")
        self.assert_reply(answers.end, 250)
        self.assert_arrived(good)
        self.assertEqual(self.queue(), [])
        self.assert_rows(
            {
                "recipient": good,
                "domain": "xn--bcher-kva.example",
                "match": "protected",
                "outcome": "passed",
            }
        )

    def test_several_messages_in_a_session_are_told_apart(self):
        good, bad = self.at("army.mil"), self.at("army.ml")
        with self.site.smtp() as session:
            first = self.transfer(session, [good])
            session.mail(self.sender)
            self.assert_reply(session.rcpt(bad), 550)
            self.assert_reply(session.rcpt(self.at("example.org")), 250)
            self.assert_reply(session.command("RSET"), 250)
            session.mail(self.sender)
            self.assert_reply(session.command("RSET"), 250)
            second = self.transfer(session, [bad, good])
        self.assertNotEqual(first.end.queue_id, second.end.queue_id)
        self.assert_arrived(good, good)
        self.assertEqual(self.queue(), [])
        rows = self.assert_rows(
            {"recipient": good, "outcome": "passed", "queue_id": first.end.queue_id},
            {"recipient": bad, "outcome": "refused"},
            {"recipient": self.at("example.org"), "outcome": "aborted"},
            {"recipient": bad, "action": "reject", "queue_id": second.end.queue_id},
            {"recipient": good, "outcome": "passed", "queue_id": second.end.queue_id},
        )
        self.assertEqual(len({row["transaction"] for row in rows}), 3)

    def test_a_thousand_recipients_in_one_message(self):
        good = [self.at("army.mil", local=f"u{n}") for n in range(998)]
        bad = [self.at("army.ml", local=name) for name in ("x", "y")]
        recipients = [bad[0], *good, bad[1]]
        with self.site.smtp() as session:
            replies = session.pipeline(
                [
                    f"MAIL FROM:<{self.sender}>",
                    *[f"RCPT TO:<{recipient}>" for recipient in recipients],
                    "DATA",
                ]
            )
            codes = [reply.code for reply in replies]
            end = session.text(message(self.mark))
            self.note(end)
        self.assertEqual(codes, [250, 550, *[250] * 998, 550, 354])
        self.assert_arrived(*good)
        self.assertEqual(self.queue(), [])
        self.assert_rows(
            {"recipient": bad[0], "action": "reject"},
            *[{"recipient": one, "action": "accept", "outcome": "passed"} for one in good],
            {"recipient": bad[1], "action": "reject"},
        )

    def break_off(self, session):
        """Break off, and wait until Postfix has noticed."""
        start = self.postfix.log.size()
        session.drop()
        self.postfix.log.until("disconnect from", start=start)

    def test_a_session_may_break_off_anywhere(self):
        good, bad = self.at("army.mil"), self.at("army.ml")
        steps = [
            lambda session: session.mail(self.sender),
            lambda session: session.rcpt(bad),
            lambda session: session.rcpt(good),
            lambda session: session.command("DATA"),
            lambda session: session.send(b"X-Case: half"),
            lambda session: session.send(b"\r\n\r\na line\r\nhalf a li"),
        ]
        for count in range(len(steps) + 1):
            with self.subTest(f"after {count} steps"):
                session = self.site.smtp()
                for step in steps[:count]:
                    step(session)
                self.break_off(session)
        self.assert_arrived()
        self.assertEqual(self.queue(), [])
        refused = {"recipient": bad, "action": "reject", "outcome": "refused"}
        aborted = {"recipient": good, "action": "accept", "outcome": "aborted"}
        self.assert_rows(refused, *[refused, aborted] * 4)
        self.send(good)
        self.assert_arrived(good)

    def test_a_client_on_ipv6_is_named(self):
        with self.site.smtp(ipv6=True) as session:
            self.transfer(session, [self.at("army.mil")])
        with self.site.smtp() as session:
            self.assert_reply(session.xclient(ADDR="IPV6:2001:db8::7"), 220)
            answers = self.transfer(session, [self.at("army.ml"), self.at("army.mil")])
        self.assert_reply(answers.rcpt[self.at("army.ml")], 550)
        self.assert_arrived(*[self.at("army.mil")] * 2)
        self.assertEqual(self.queue(), [])
        self.assert_rows(
            {"recipient": self.at("army.mil"), "client": "::1"},
            {"recipient": self.at("army.ml"), "client": "2001:db8::7"},
            {"recipient": self.at("army.mil"), "client": "2001:db8::7"},
        )

    def test_a_user_who_has_logged_in_is_named(self):
        with self.site.smtp() as session:
            session.xclient(LOGIN="alice")
            self.transfer(session, [self.at("army.mil")])
        self.send(self.at("example.org"))
        self.assert_arrived(self.at("army.mil"), self.at("example.org"))
        self.assertEqual(self.queue(), [])
        with_login, without = self.assert_rows(
            {"recipient": self.at("army.mil"), "auth": "alice"},
            {"recipient": self.at("example.org")},
        )
        self.assertFalse(without["auth"])


class BareCase(SiteCase):
    """Postfix completes no message: a device's may have no header at all."""

    site_options = {"settings": {"local_header_rewrite_clients": ""}}

    def test_a_message_without_headers_goes_through(self):
        recipients = []
        for name, text in (("body", b"hello\n"), ("blank", b"\nhello\n"), ("empty", b"\n")):
            with self.subTest(name):
                recipients.append(self.at("army.mil", local=name))
                answers = self.send(recipients[-1], text=text)
                self.assert_reply(answers.end, 250)
        self.assert_arrived(*recipients)
        self.assertEqual(self.queue(), [])
        self.assert_rows(*[{"recipient": one, "outcome": "passed"} for one in recipients])


class OutboundCase(SiteCase):
    config = {
        "outbound": {"authenticated": True, "networks": ["192.0.2.0/24", "2001:db8::/32"]}
    }

    def test_only_mail_from_inside_is_judged(self):
        bad = self.at("army.ml")
        inside = [{"LOGIN": "alice"}, {"ADDR": "192.0.2.9"}, {"ADDR": "IPV6:2001:db8::9"}]
        outside = [{"ADDR": "198.51.100.9"}, {"ADDR": "IPV6:2001:db9::9"}]
        for client in inside + outside:
            with self.subTest(client), self.site.smtp() as session:
                session.xclient(**client)
                answers = self.transfer(session, [bad])
                expected = 550 if client in inside else 250
                self.assert_reply(answers.rcpt[bad], expected)
        self.assert_arrived(*[bad] * len(outside))
        self.assertEqual(self.queue(), [])
        rows = self.daemon.rows(self.mark)
        self.assertEqual([row["action"] for row in rows], ["reject"] * len(inside))


class LocalCase(SiteCase):
    """Mail that is submitted on the machine comes by no session. Postfix could only leave
    a message lying whose recipient is refused, so that one is held."""

    config = {
        "rules": [
            {"name": "ask", "recipient": ["hold.*@*"], "confidence": 0.5, "action": "hold"},
            {"name": "near", "confidence": 0.5, "action": "reject"},
        ]
    }

    def submit(self, *recipients):
        text = message(self.mark).decode()
        return self.postfix.submit(self.sender, recipients, text)

    def test_a_good_one_goes_through(self):
        queue_id = self.submit(self.at("army.mil"))
        self.accepted.append(queue_id)
        self.assert_arrived(self.at("army.mil"))
        self.assertEqual(self.queue(), [])
        self.assert_rows(
            {
                "recipient": self.at("army.mil"),
                "action": "accept",
                "outcome": "passed",
                "queue_id": queue_id,
            }
        )

    def test_a_held_one_waits(self):
        queue_id = self.submit(self.at("army.ml", local="hold"), self.at("army.mil"))
        self.accepted.append(queue_id)
        self.assert_held(queue_id)
        self.assert_arrived()
        self.assert_rows(
            {"action": "hold", "outcome": "held", "queue_id": queue_id},
            {"action": "accept", "outcome": "held", "queue_id": queue_id},
        )

    def test_what_would_be_refused_is_held(self):
        bad, good = self.at("army.ml"), self.at("army.mil")
        queue_id = self.submit(bad, good)
        self.accepted.append(queue_id)
        self.assert_held(queue_id)
        self.assert_arrived()
        self.assert_rows(
            {"recipient": bad, "action": "reject", "outcome": "held", "queue_id": queue_id},
            {"recipient": good, "action": "accept", "outcome": "held", "queue_id": queue_id},
        )


class InetCase(SiteCase):
    """Postfix reaches the daemon by TCP."""

    port = Port()
    site_options = {"milters": f"inet:{port.host}:{port.number}"}
    config = {"milter": {"socket": f"inet:{port.number}@{port.host}", "socket_group": ""}}

    @classmethod
    def open_site(cls):
        super().open_site()
        cls.daemon.takes_mail = cls.port.accepts

    def test_a_message_is_judged_alike(self):
        bad, good = self.at("army.ml"), self.at("army.mil")
        answers = self.send(bad, good)
        self.assert_reply(answers.rcpt[bad], 550, "5.7.1", "army.mil")
        self.assert_reply(answers.end, 250)
        self.assert_arrived(good)
        self.assertEqual(self.queue(), [])
        self.assert_rows(
            {"recipient": bad, "action": "reject", "outcome": "refused"},
            {"recipient": good, "action": "accept", "outcome": "passed"},
        )


if __name__ == "__main__":
    main()
