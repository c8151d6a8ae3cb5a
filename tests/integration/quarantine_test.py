"""
The quarantine: who gets a message and who does not, what is kept of it, and that a release
is what the mail server would have delivered.
"""

import json
import os
import re
import unittest

from harness.case import SiteCase, main, message
from harness.sendmail import Sendmail, missing
from harness.wait import until

RULES = [{"name": "keep", "confidence": 0.5, "action": "quarantine"}]

# What a body may hold that a careless hand would change.
HARD_BODY = (
    b".a dot\n..two\n.\n"
    b"8 bit: \xe4\xff\x80\n"
    b"bare CR: a\rb\n"
    b"NUL: a\x00b\n"
    b"trailing blanks:  \t \n"
    b"From the beginning\n" + b"long: " + b"x" * 1800 + b"\n\n\nend\n"
)
HARD_HEADERS = (
    b"From: a@example.org\nDate: Thu, 1 Jan 2026 00:00:00 +0000\n"
    b"Message-Id: <1@example.org>\n"  # else Sendmail adds one of its own, each time
    b"Subject:no blank\n"
    b"X-Folded: one\n\ttwo\n   three\n"
    b"X-Empty:\n"
    b"X-8bit: \xe4\xf6\n"
    b"MIME-Version: 1.0\n"
    b"Content-Type: text/plain; charset=iso-8859-1\n"
    b"Content-Transfer-Encoding: 8bit\n"
)


# What mail servers write anew each time that they hand a message on.
TRACE = (b"received:", b"x-mime-autoconverted:")


def without_trace(raw):
    """A message without the fields of its way."""
    head, _, body = raw.partition(b"\n\n")
    fields = re.split(rb"\n(?![ \t])", head)
    kept = [one for one in fields if not one.lower().startswith(TRACE)]
    return b"\n".join(kept) + b"\n\n" + body


class QuarantineCase(SiteCase):
    config = {"rules": RULES}

    def kept(self, count=1):
        entries = self.daemon.kept(self.mark)
        self.assertEqual(len(entries), count, entries)
        return entries

    def arrived(self):
        found = self.site.sink.deliveries(self.mark)
        return sorted(one for delivery in found for one in delivery.recipients)

    def release(self, entry, *options):
        return self.daemon.ask("quarantine", "release", entry["id"], *options)

    def acts(self, entry):
        lines = self.daemon.ask("audit", "list", "--acts", "--format", "json").splitlines()
        acts = [json.loads(line) for line in lines]
        return [act for act in acts if act["decision"] == entry["id"]]


class ByPortCase(QuarantineCase):
    """Released to the port that mail comes in by, where the filter listens."""

    hard_body = HARD_BODY
    odd_forms = ("@relay.example:{}", "{},", "Bob <{}>")

    @classmethod
    def configure(cls):
        port = cls.site.mta.port
        cls.daemon.configure(
            {"rules": RULES, "quarantine": {"release": f"smtp:{port.host}:{port.number}"}}
        )

    def test_the_others_get_the_message_and_the_near_miss_does_not(self):
        near, good = self.at("army.ml"), self.at("army.mil")
        answers = self.send(near, good)
        self.assert_reply(answers.rcpt[near], 250)
        self.assert_reply(answers.end, 250)
        self.assert_arrived(good)
        (entry,) = self.kept()
        told = self.daemon.ask("audit", "show", entry["id"])
        self.assertIn(f"nearmiss quarantine show {entry['id']}", told)
        row, _ = self.assert_rows(
            {"recipient": near, "action": "quarantine", "outcome": "quarantined"},
            {"recipient": good, "action": "accept", "outcome": "passed"},
        )
        self.assertEqual(entry["id"], row["id"])
        self.assertEqual(
            (entry["sender"], entry["recipient"], entry["target"], entry["state"]),
            (self.sender, near, "army.mil", "waiting"),
        )

    def test_who_may_not_be_found_on_the_message_gets_none(self):
        good = self.at("army.mil")
        for form in self.odd_forms:
            with self.subTest(form):
                recipient = form.format(self.at("army.ml"))
                answers = self.send(recipient, good)
                self.assert_reply(answers.rcpt[recipient], 250)
                self.assert_reply(answers.end, 250)
        self.assert_held(*self.accepted)
        self.assert_arrived()
        held = {"action": "quarantine", "outcome": "held"}
        also = {"recipient": good, "outcome": "held"}
        self.assert_rows(*[held, also] * len(self.odd_forms))

    def test_recipients_given_twice_are_kept_once_and_taken_off_altogether(self):
        near, good = self.at("army.ml"), self.at("army.mil")
        with self.site.smtp() as session:
            self.assert_reply(session.mail(self.sender), 250)
            for recipient in (near, good, near.upper(), near, good):
                self.assert_reply(session.rcpt(recipient), 250)
            end = session.data(message(self.mark))
        self.assert_reply(end, 250)
        self.note(end)
        self.postfix.settle(self.accepted)
        until("the good one has it", self.arrived)
        self.assertEqual({one.lower() for one in self.arrived()}, {good})
        kept = [one["recipient"] for one in self.daemon.kept() if near in one["recipient"].lower()]
        self.assertEqual(sorted(kept), sorted({near, near.upper()}))

    def test_a_message_for_near_misses_alone_is_kept_and_never_bounced(self):
        self.assert_reply(self.send(self.at("army.ml")).end, 250)
        self.assert_arrived()
        self.assertEqual(self.queue(), [])
        self.kept()

    def hard(self, session, near, good, by_chunk):
        text = HARD_HEADERS + b"X-Case: " + self.mark.encode() + b"\n\n" + self.hard_body
        self.assert_reply(session.mail(self.sender, "BODY=8BITMIME"), 250)
        for recipient in (near, good):
            self.assert_reply(session.rcpt(recipient), 250)
        if by_chunk:
            half = len(text) // 2
            wire = text.replace(b"\n", b"\r\n")
            self.assert_reply(session.bdat(wire[:half]), 250)
            end = session.bdat(wire[half:], last=True)
        else:
            end = session.data(text)
        self.assert_reply(end, 250)
        self.note(end)

    def check_bytes(self, by_chunk):
        near, good = self.at("army.ml"), self.at("army.mil")
        with self.site.smtp() as session:
            self.hard(session, near, good, by_chunk)
        (delivery,) = self.assert_arrived(good)
        (entry,) = self.kept()
        self.release(entry)
        until("the released message has arrived", lambda: near in self.arrived())
        both = self.site.sink.deliveries(self.mark)
        released = next(one for one in both if one.recipients == [near])
        self.assertEqual(without_trace(released.raw), without_trace(delivery.raw))
        self.assertEqual(released.sender, self.sender)
        self.assertEqual(self.arrived(), sorted([near, good]))

    def test_a_released_message_has_every_byte(self):
        self.check_bytes(by_chunk=False)

    def test_a_released_message_that_came_in_chunks_has_every_byte(self):
        self.check_bytes(by_chunk=True)

    def test_a_release_goes_to_the_address_that_was_meant(self):
        right = self.at("army.mil")
        self.send(self.at("army.ml"))
        (entry,) = self.kept()
        self.release(entry, "--to", right)
        until("it has arrived", self.arrived)
        self.assertEqual(self.arrived(), [right])
        (entry,) = self.kept()
        self.assertEqual((entry["state"], entry["sent_to"]), ("released", right))
        self.assertEqual([act["verb"] for act in self.acts(entry)], ["released"])
        again = self.daemon.run("quarantine", "release", entry["id"], "-c", self.daemon.configuration)
        self.assertEqual(again.returncode, 4)
        self.assertIn("released", again.stderr)
        self.assertEqual(self.arrived(), [right])

    def test_a_release_is_let_through_once(self):
        near = self.at("army.ml")
        self.send(near)
        (entry,) = self.kept()
        self.release(entry)
        until("it has arrived", self.arrived)
        self.send(near)
        self.assertEqual([one["state"] for one in self.kept(2)], ["released", "waiting"])
        self.assertEqual(self.arrived(), [near])

    def test_what_else_is_sent_while_a_release_is_under_way_is_caught(self):
        near = self.at("army.ml")
        self.send(near)
        (entry,) = self.kept()
        answer = self.daemon.control(f"kept-release {entry['id']} {near}")
        self.assertEqual(answer, "ok\n")
        self.send(near, text=message(self.mark, body="Something else.\n"))
        states = [one["state"] for one in self.kept(2)]
        self.assertEqual(states, ["releasing", "waiting"])
        self.assertEqual(self.arrived(), [])
        self.release(entry)
        until("it has arrived", self.arrived)
        self.assertEqual(self.arrived(), [near])

    def test_a_release_that_was_cut_off_sends_nothing_twice(self):
        near = self.at("army.ml")
        text = message(self.mark)
        self.send(near, text=text)
        (entry,) = self.kept()
        self.daemon.control(f"kept-release {entry['id']} {near}")
        # As the tool does it, which then ends without a word to the daemon.
        self.send(near, text=text)
        until("it has arrived", self.arrived)
        done = self.daemon.run(
            "quarantine", "release", entry["id"], "-c", self.daemon.configuration
        )
        self.assertEqual(done.returncode, 4)
        (row,) = self.daemon.rows(self.mark)[1:]
        self.assertIn(f"queue id {row['queue_id']};", done.stderr)
        self.assertEqual(self.arrived(), [near])
        self.release(entry, "--done")
        self.assertEqual(self.arrived(), [near])
        self.assertEqual([one["state"] for one in self.kept()], ["released"])

    def test_a_release_that_is_refused_leaves_the_message_waiting(self):
        self.send(self.at("army.ml"))
        (entry,) = self.kept()
        self.daemon.configure({"rules": RULES, "quarantine": {"release": "smtp:127.0.0.1:1"}})
        try:
            done = self.daemon.run(
                "quarantine", "release", entry["id"], "-c", self.daemon.configuration
            )
        finally:
            self.configure()
        self.assertEqual(done.returncode, 4)
        self.assertIn("nobody answers", done.stderr)
        self.assertEqual([one["state"] for one in self.kept()], ["waiting"])
        self.assertEqual(
            [bool(act["reason"].startswith("failed: ")) for act in self.acts(entry)],
            [False, True],
        )

    def test_orcpt_and_other_parameters_are_kept(self):
        """As far as the mail server itself hands them on."""
        near, good = self.at("army.ml"), self.at("army.mil")
        with self.site.smtp() as session:
            session.mail(self.sender, "RET=HDRS ENVID=case+2B1 BODY=8BITMIME")
            for one in (near, good):
                options = f"NOTIFY=FAILURE,DELAY ORCPT=rfc822;first+2B{one}"
                self.assert_reply(session.command(f"RCPT TO:<{one}> {options}"), 250)
            self.note(session.data(message(self.mark)))
        (entry,) = self.kept()
        self.release(entry)
        both = until(
            "both have arrived",
            lambda: len(self.arrived()) == 2 and self.site.sink.deliveries(self.mark),
        )
        released, passed = sorted(both, key=lambda one: one.recipients != [near])
        self.assertEqual(
            [words.replace(near, good) for words in released.arguments], passed.arguments
        )
        if self.site.mta.name == "postfix":
            self.assertIn("ORCPT=rfc822;first+2B" + near, released.arguments[1])
            self.assertIn("ENVID=case+2B1", released.arguments[0])

    def test_a_message_to_a_utf8_address_is_released(self):
        near = self.at("\u0430rmy.mil", local="b\u00fcro")
        self.assert_reply(self.send(near, options="SMTPUTF8").end, 250)
        (entry,) = self.kept()
        self.assertEqual(entry["recipient"], near)
        self.release(entry)
        until("it has arrived", self.arrived)
        self.assertEqual(self.arrived(), [near])

    def test_mail_from_the_null_sender_is_kept_and_released(self):
        near = self.at("army.ml")
        self.assert_reply(self.send(near, sender="").end, 250)
        (entry,) = self.kept()
        self.assertEqual(entry["sender"], "")
        self.release(entry)
        (delivery,) = until("it has arrived", lambda: self.site.sink.deliveries(self.mark))
        self.assertEqual((delivery.sender, delivery.recipients), ("", [near]))

    def test_a_client_that_sends_once_more_joins_its_entry(self):
        near = self.at("army.ml")
        for _ in range(3):
            self.assert_reply(self.send(near).end, 250)
        (entry,) = self.kept()
        self.assertEqual(entry["times"], 3)
        other = self.at("army.ml", local="other")
        self.send(other)
        self.assertEqual([one["times"] for one in self.kept(2)], [3, 1])

    def test_hundreds_of_recipients(self):
        near = [self.at("army.ml", local=f"n{i}") for i in range(300)]
        good = [self.at("army.mil", local=f"g{i}") for i in range(100)]
        with self.site.smtp() as session:
            session.mail(self.sender)
            replies = session.pipeline([f"RCPT TO:<{one}>" for one in near + good])
            self.assertEqual({reply.code for reply in replies}, {250})
            self.note(session.data(message(self.mark)))
        self.assert_arrived(*good)
        entries = self.kept(300)
        self.assertEqual(len({entry["transaction"] for entry in entries}), 1)
        self.assertEqual([entry["recipient"] for entry in entries], near)

    def test_recipients_that_differ_in_the_local_part_only(self):
        near = [self.at("army.ml", local=one) for one in ("bob", "BOB", "b.ob", "bob+1")]
        self.send(*near, near[0], self.at("army.mil"))
        self.assert_arrived(self.at("army.mil"))
        self.assertEqual([one["recipient"] for one in self.kept(4)], near)

    def test_show_decodes_text_and_names_the_rest(self):
        headers = ("MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b")
        body = (
            "--b\nContent-Type: text/plain; charset=utf-8\n"
            "Content-Transfer-Encoding: base64\n\nR3LDvMOfZRtbMkoK\n"
            "--b\nContent-Type: text/html\n\n<p>Pay <b>now</b><script>x()</script>\n"
            "--b\nContent-Type: application/pdf\n"
            "Content-Disposition: attachment; filename=bill.pdf\n"
            "Content-Transfer-Encoding: base64\n\nJVBERi0=\n--b--\n"
        )
        self.send(self.at("army.ml"), text=message(self.mark, *headers, body=body))
        (entry,) = self.kept()
        shown = self.daemon.ask("quarantine", "show", entry["id"])
        self.assertIn("Gr\u00fc\u00dfe\\x1b[2J\n", shown)
        self.assertIn("Pay now\n", shown)
        self.assertIn('[application/pdf, "bill.pdf", ', shown)
        for hidden in ("JVBERi0", "x()", "\x1b"):
            self.assertNotIn(hidden, shown)
        raw = self.daemon.ask("quarantine", "show", "--raw", entry["id"])
        self.assertIn("JVBERi0=\n", raw)
        self.assertIn("R3LDvMOfZRtbMkoK\n", raw)

    def test_show_is_safe_and_on_record(self):
        near = self.at("army.ml")
        self.send(
            near,
            text=message(self.mark, "X-Evil: \u202e\x1b[31m", body="\x1b]0;pwned\x07 hello\n"),
        )
        (entry,) = self.kept()
        shown = self.daemon.ask("quarantine", "show", entry["id"])
        self.assertNotIn("\x1b", shown)
        self.assertNotIn("\u202e", shown)
        self.assertIn(r"\x1b]0;pwned\x07 hello", shown)
        self.assertIn(f"X-Case: {self.mark}", shown)
        (act,) = self.acts(entry)
        self.assertEqual(act["verb"], "looked-at")
        self.assertIn(f"uid {os.getuid()}", act["actor"])

    def test_delete(self):
        self.send(self.at("army.ml"), self.at("army.mil"))
        self.postfix.settle(self.accepted)
        (entry,) = self.kept()
        self.daemon.ask("quarantine", "delete", entry["id"])
        self.assertEqual([one["state"] for one in self.kept()], ["deleted"])
        folder = os.path.join(self.daemon.folder, "quarantine", "messages")
        self.assertNotIn(entry["transaction"], os.listdir(folder))
        self.assertEqual([act["verb"] for act in self.acts(entry)], ["deleted"])
        self.assertEqual(
            self.daemon.run(
                "quarantine", "show", entry["id"], "-c", self.daemon.configuration
            ).returncode,
            4,
        )

    def test_the_tool_reviews_while_the_daemon_is_stopped(self):
        self.send(self.at("army.ml"))
        (entry,) = self.kept()
        self.daemon.stop()
        try:
            self.assertIn(self.mark, self.daemon.ask("quarantine", "show", entry["id"]))
            done = self.daemon.run(
                "quarantine", "release", entry["id"], "-c", self.daemon.configuration
            )
            self.assertEqual(done.returncode, 4)
            self.daemon.ask("quarantine", "delete", entry["id"])
        finally:
            self.daemon.start()
        self.assertEqual([one["state"] for one in self.kept()], ["deleted"])
        self.assertEqual([act["verb"] for act in self.acts(entry)], ["looked-at", "deleted"])


class OnSendmailCase(ByPortCase):
    """The same behind Sendmail, which offers neither chunks nor SMTPUTF8."""

    site_options = {"mta": Sendmail}
    hard_body = HARD_BODY.replace(b"\r", b"?")  # it refuses a bare CR itself
    odd_forms = ("@relay.example:{}", "Bob <{}>")  # and the third
    test_a_message_to_a_utf8_address_is_released = None
    test_a_released_message_that_came_in_chunks_has_every_byte = None

    @classmethod
    def setUpClass(cls):
        reason = missing()
        if reason:
            raise unittest.SkipTest(reason)
        super().setUpClass()


class FullCase(QuarantineCase):
    """More than the quarantine may hold."""

    config = {"rules": RULES, "quarantine": {"max_mb": 1}}

    def test_what_does_not_fit_is_put_off(self):
        near, good = self.at("army.ml"), self.at("army.mil")
        big = message(self.mark, body="x" * 70 + "\n") + (b"y" * 70 + b"\n") * 18000
        answers = self.send(near, good, text=big)
        self.assert_reply(answers.end, 451, "4.3.0", "try again")
        self.assert_arrived()
        self.kept(0)
        self.assert_rows({"outcome": "refused"}, {"outcome": "refused"})
        self.assert_reply(self.send(near, good).end, 250)
        self.assert_arrived(good)
        self.kept(1)


class BrokenCase(QuarantineCase):
    """The folder cannot be written."""

    def test_what_cannot_be_kept_is_put_off_until_it_can(self):
        folder = os.path.join(self.daemon.folder, "quarantine", "incoming")
        near, good = self.at("army.ml"), self.at("army.mil")
        os.chmod(folder, 0o500)
        try:
            self.assert_reply(self.send(near, good).end, 451, "4.3.0")
        finally:
            os.chmod(folder, 0o750)
        self.assert_arrived()
        self.kept(0)
        self.assert_reply(self.send(near, good).end, 250)
        self.assert_arrived(good)
        self.kept(1)


class LetGoCase(QuarantineCase):
    config = {"rules": RULES, "audit": {"on_failure": "accept"}}

    def test_what_cannot_be_kept_goes_on_where_that_is_wanted(self):
        folder = os.path.join(self.daemon.folder, "quarantine", "incoming")
        near, good = self.at("army.ml"), self.at("army.mil")
        os.chmod(folder, 0o500)
        try:
            self.assert_reply(self.send(near, good).end, 250)
        finally:
            os.chmod(folder, 0o750)
        self.assert_arrived(near, good)
        self.kept(0)
        self.assert_rows({"outcome": "passed"}, {"outcome": "passed"})


class ReloadCase(QuarantineCase):
    """Connections that are older than the rule see no content."""

    config = {"rules": []}

    def test_a_session_from_before_the_rule_is_put_off(self):
        near = self.at("army.ml")
        with self.site.smtp() as session:
            self.assert_reply(self.transfer(session, [self.at("army.mil")]).end, 250)
            self.daemon.configure({"rules": RULES})
            self.daemon.ask("reload")
            self.assert_reply(self.transfer(session, [near]).end, 451, "4.3.0")
        self.assert_reply(self.send(near).end, 250)
        self.kept(1)


class BySendmailCase(QuarantineCase):
    """Mail submitted on this machine, and released by the sendmail command."""

    @classmethod
    def configure(cls):
        cls.daemon.configure(
            {
                "rules": [{"name": "no", "confidence": 0.5, "action": "reject"}],
                "local_submission": "quarantine",
                "quarantine": {"release": "sendmail"},
            }
        )

    def release(self, entry, *options):
        done = self.daemon.run(
            *("quarantine", "release", entry["id"], *options, "-c", self.daemon.configuration),
            environment={"MAIL_CONFIG": self.postfix.configuration},
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_mail_that_was_submitted_here_is_kept_and_released(self):
        near = self.at("army.ml")
        self.postfix.submit(self.sender, [near], message(self.mark).decode())
        (entry,) = until("it is kept", lambda: self.daemon.kept(self.mark))
        self.assertEqual(entry["recipient"], near)
        self.release(entry)
        until("it has arrived", lambda: near in self.arrived())
        self.assertEqual(self.arrived(), [near])
        self.assertEqual([one["state"] for one in self.kept()], ["released"])

    def test_mail_with_others_is_held_whole_whatever_was_typed(self):
        """Postfix takes off what was typed, and filters are told what it made of that."""
        for typed in (self.at("army.ml"), self.at("army.ml") + "."):
            self.postfix.submit(
                self.sender, [typed, self.at("army.mil")], message(self.mark).decode()
            )
        near = self.at("army.ml")

        def places():
            return [row["queue_name"] for row in self.postfix.queue(near)]

        until("both are held", lambda: places() == ["hold"] * 2)
        self.assertEqual(self.arrived(), [])
        self.assertEqual(self.daemon.kept(self.mark), [])


if __name__ == "__main__":
    main()
