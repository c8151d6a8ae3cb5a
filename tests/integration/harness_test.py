"""The harness itself, on a Postfix without a filter: what the other tests lean on."""

import unittest

from harness.case import SiteCase, main, message
from harness.sink import parse


class HarnessCase(SiteCase):
    site_options = {
        "milters": "",
        "settings": {
            "smtpd_recipient_restrictions": "check_recipient_access "
            "inline:{ { hold.example = HOLD } }"
        },
    }

    @classmethod
    def setUpClass(cls):
        cls.open_site()  # and no daemon

    def test_a_message_arrives_with_its_envelope(self):
        answers = self.send(self.at("a.example"), self.at("b.example"))
        self.assert_reply(answers.end, 250, "2.0.0", "queued as")
        delivery, *more = self.assert_arrived(self.at("a.example"), self.at("b.example"))
        self.assertEqual(more, [])
        self.assertEqual(delivery.sender, self.sender)
        self.assertEqual(delivery.header("subject"), ["A test"])
        self.assertEqual(delivery.body.strip(), "Hello.")
        self.assertEqual(self.queue(), [])

    def test_utf8_addresses_arrive(self):
        recipient = self.at("bücher.example", local="jürgen")
        self.send(recipient, options="SMTPUTF8")
        self.assert_arrived(recipient)

    def test_dots_survive(self):
        self.send(self.at("a.example"), text=message(self.mark, body=".\n..x\n.y\n"))
        (delivery,) = self.assert_arrived(self.at("a.example"))
        self.assertEqual(delivery.body.rstrip("\n"), ".\n..x\n.y")

    def test_many_recipients_come_back_whole(self):
        recipients = [self.at("a.example", local=f"u{n}") for n in range(120)]
        self.send(*recipients)
        self.assertGreater(len(self.assert_arrived(*recipients)), 1)

    def test_commands_go_out_in_one_piece(self):
        with self.site.smtp() as session:
            codes = [
                reply.code
                for reply in session.pipeline(
                    [f"MAIL FROM:<{self.sender}>", "RCPT TO:<a@a.example>", "NONSENSE", "DATA"]
                )
            ]
            self.assertEqual(codes, [250, 250, 500, 354])
            self.note(session.text(message(self.mark)))
        self.assert_arrived("a@a.example")

    def test_chunks_make_a_message(self):
        with self.site.smtp() as session:
            session.mail(self.sender)
            session.rcpt("a@a.example")
            head, tail = message(self.mark).split(b"Hello", 1)
            self.assert_reply(session.bdat(head.replace(b"\n", b"\r\n")), 250)
            end = session.bdat(b"Hello" + tail.replace(b"\n", b"\r\n"), last=True)
            self.assert_reply(end, 250, None, "queued as")
            self.note(end)
        (delivery,) = self.assert_arrived("a@a.example")
        self.assertEqual(delivery.body.strip(), "Hello.")

    def test_a_held_message_waits_and_is_released(self):
        end = self.send(self.at("hold.example")).end
        self.accepted.clear()  # held by Postfix itself, not by a filter
        self.assert_held(end.queue_id)
        self.assert_arrived()
        self.postfix.release(end.queue_id)
        self.assert_arrived(self.at("hold.example"))
        self.assertEqual(self.queue(), [])

    def test_mail_submitted_here_arrives(self):
        text = message(self.mark).decode()
        self.accepted.append(self.postfix.submit(self.sender, [self.at("a.example")], text))
        self.assert_arrived(self.at("a.example"))

    def test_a_session_can_speak_for_another_client(self):
        with self.site.smtp(ipv6=True) as session:
            reply = session.xclient(ADDR="IPV6:2001:db8::7", LOGIN="alice")
            self.assert_reply(reply, 220)
            self.transfer(session, [self.at("a.example")])
        (delivery,) = self.assert_arrived(self.at("a.example"))
        self.assertIn("IPv6:2001:db8::7", delivery.header("Received")[0])

    def test_a_dropped_session_leaves_nothing(self):
        session = self.site.smtp()
        session.mail(self.sender)
        session.rcpt(self.at("a.example"))
        session.command("DATA")
        session.send(b"Subject: half a mess")
        start = self.postfix.log.size()
        session.drop()
        self.postfix.log.until("lost connection after DATA", start=start)
        self.assert_arrived()
        self.assertEqual(self.queue(), [])


class SinkCase(unittest.TestCase):
    def test_a_dump_is_read(self):
        delivery = parse(
            "X-Client-Addr: 127.0.0.1\n"
            "X-Mail-Args: <>\n"
            "X-Rcpt-Args: <j??@a.example> ORCPT=utf-8;j+C3+BC@a.example\n"
            "X-Rcpt-Args: <k??@a.example> ORCPT=utf-8;k\\x{FC}@a.example\n"
            "Received: from gw ([127.0.0.1])\n"
            "\tby sink (smtp-sink) with ESMTP id 304b98ae;\n"
            "\tSat, 21 Nov 2026 19:35:37 +0000 (UTC)\n"
            "Subject: two\n lines\n\nbody\n\n"
        )
        self.assertEqual(delivery.sender, "")
        self.assertEqual(delivery.recipients, ["jü@a.example", "kü@a.example"])
        self.assertEqual(delivery.header("Subject"), ["two lines"])
        self.assertEqual(delivery.body, "body\n\n")


if __name__ == "__main__":
    main(programs=())
