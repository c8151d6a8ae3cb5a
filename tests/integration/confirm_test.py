"""
Near misses that their senders confirm, and what is remembered of that over reloads,
restarts and crashes. NM_ROUNDS says how often the daemon is killed.
"""

import json
import os
import re
import sqlite3
import time

from harness.case import SiteCase, main, message

ROUNDS = int(os.environ.get("NM_ROUNDS", "21"))

RULES = [{"name": "ask", "confidence": 0.5, "action": "confirm"}]


class ConfirmCase(SiteCase):
    config = {"rules": RULES, "confirm": {"min_s": 0}}

    def setUp(self):
        super().setUp()
        self.near, self.good = self.at("army.ml"), self.at("army.mil")

    def refused(self, *words, to=None, **how):
        """A message to the near miss that is refused; its reference."""
        to = to or self.near
        answers = self.send(to, **how)
        self.assert_reply(answers.rcpt[to], 550, "5.7.1", *words)
        return answers.rcpt[to].reference

    def passes(self, *recipients, **how):
        answers = self.send(*(recipients or (self.near,)), **how)
        self.assert_reply(answers.end, 250)

    def restart(self):
        self.daemon.stop()
        self.daemon.start()

    def acts(self, reference):
        listed = self.daemon.ask("audit", "list", "--acts", "--format", "json")
        rows = [json.loads(line) for line in listed.splitlines()]
        return [(row["verb"], row["reason"]) for row in rows if row["decision"] == reference]

    def state(self, sql, *values):
        """Change the state database, which nobody has open."""
        database = sqlite3.connect(os.path.join(self.daemon.folder, "state.db"))
        with database:
            database.execute(sql, values)
        database.close()

    def standing(self, *words):
        asked = ["check", *words, "--format", "json", self.near]
        return json.loads(self.daemon.ask(*asked))["confirm"]


class ResendCase(ConfirmCase):
    def test_sent_again_it_goes_through_and_both_rows_tell(self):
        first = self.refused("If you mean it, send it again in a moment, within 4 hours")
        self.assertEqual(self.standing("--sender", self.sender), "sent-again")
        self.passes(self.near, self.good)
        self.assert_arrived(self.near, self.good)
        rows = self.assert_rows(
            {"action": "confirm", "rule": "ask", "outcome": "refused"},
            {"action": "confirm", "rule": "ask", "outcome": "passed", "reply": None},
            {"action": "accept", "outcome": "passed"},
        )
        self.assertEqual(rows[0]["id"], first)
        self.assertEqual(self.acts(first), [("confirmed", f"sent again, Ref {rows[1]['id']}")])
        self.assertEqual(
            self.acts(rows[1]["id"]), [("confirms", f"refused before, Ref {first}")]
        )
        story = self.daemon.ask("audit", "show", first)
        self.assertIn("recorded that the sender means army.ml", story)
        self.assertIn(rows[1]["id"], story)
        story = self.daemon.ask("audit", "show", rows[1]["id"])
        self.assertIn("The sender has confirmed it", story)
        self.assertIn(f"Ref {first}", story)
        self.daemon.ask("audit", "verify")

    def test_the_domain_is_remembered_for_that_sender(self):
        self.refused()
        self.passes()
        self.passes(self.at("army.ml", local="carol"))
        self.assertEqual(self.standing("--sender", self.sender), "remembered")
        self.assertEqual(self.standing("--sender", "x@example.org"), "new")
        self.refused(sender=f"other.{self.mark}@example.org")
        self.refused(to=self.at("army.mi1"))

    def test_what_is_refused_for_another_reason_may_come_again(self):
        self.refused()
        with self.site.smtp() as session:
            session.mail(self.sender)
            self.assert_reply(session.rcpt(self.near), 250)
            session.command("RSET")
        with self.site.smtp() as session:
            session.mail(self.sender)
            self.assert_reply(session.rcpt(self.near), 250)
            session.command("DATA")
            session.drop()
        self.passes()
        self.assert_arrived(self.near)

    def test_a_null_sender_is_rejected(self):
        for _ in range(2):
            answers = self.send(self.near, sender="")
            self.assert_reply(answers.rcpt[self.near], 550, "5.7.1", "Not sent. If it is right, ask your postmaster. Ref")
        self.assert_rows(*[{"action": "reject", "rule": "ask", "outcome": "refused"}] * 2)

    def test_mail_submitted_here_is_not_refused_but_held(self):
        queue_id = self.postfix.submit(self.sender, [self.near], message(self.mark).decode())
        self.accepted.append(queue_id)
        self.assert_held(queue_id)
        self.refused()

    def test_it_survives_a_reload_a_restart_and_a_crash(self):
        for number, change in enumerate(
            (lambda: self.daemon.ask("reload"), self.restart, self.crash)
        ):
            near = self.at(f"armz{number}.army.ml")
            self.refused(to=near)
            change()
            self.passes(near)
            change()
            self.passes(near)

    def crash(self):
        self.daemon.kill()
        self.daemon.start()

    def test_it_is_too_late_when_the_window_has_passed(self):
        self.refused()
        self.daemon.stop()
        self.state("UPDATE pending SET refused_us = refused_us - 14401 * 1000000")
        self.daemon.start()
        self.refused("If you mean it")
        self.passes()

    def test_it_is_forgotten_when_its_days_have_passed(self):
        self.refused()
        self.passes()
        self.daemon.stop()
        self.state("UPDATE confirmation SET expires_us = ?", int(time.time() * 1e6))
        self.daemon.start()
        self.refused("If you mean it")


class TooSoonCase(ConfirmCase):
    config = {"rules": RULES, "confirm": {"min_s": 3000}}

    def test_it_is_refused_again_and_told_how_long(self):
        self.refused("not before 50 minutes have passed and within 4 hours")
        self.refused("It was sent again too soon", "have passed")
        self.assertEqual(self.standing("--sender", self.sender), "too-soon")
        # The time goes on from the first: it counts once that has passed.
        self.daemon.stop()
        self.state("UPDATE pending SET refused_us = refused_us - 3000 * 1000000")
        self.daemon.start()
        self.passes()
        rows = self.assert_rows(*[{"action": "confirm"}] * 3)
        self.assertEqual(len(self.acts(rows[0]["id"])), 1)
        self.assertEqual(self.acts(rows[1]["id"]), [])


class WholeCase(ConfirmCase):
    config = {"rules": RULES, "partial": "message", "confirm": {"min_s": 0}}

    def test_the_whole_message_is_sent_again(self):
        answers = self.send(self.near, self.good)
        self.assert_reply(answers.end, 550, "5.7.1", f"<{self.near}>", "If you mean it")
        self.assert_arrived()
        self.passes(self.near, self.good)
        self.assert_arrived(self.near, self.good)


class ObserveCase(ConfirmCase):
    config = {"rules": RULES, "mode": "observe", "confirm": {"min_s": 0}}

    def test_it_says_what_would_be(self):
        self.passes()
        self.passes()
        rows = self.assert_rows(
            *[{"action": "confirm", "mode": "observe", "outcome": "passed"}] * 2
        )
        for row in rows:
            self.assertIn("If you mean it", row["reply"])


class HistoryCase(ConfirmCase):
    def knows(self, domain):
        """Whether it is on record that mail went there."""
        self.daemon.stop()
        database = sqlite3.connect(os.path.join(self.daemon.folder, "state.db"))
        rows = database.execute("SELECT * FROM contact WHERE domain = ?", [domain])
        known = rows.fetchone() is not None
        database.close()
        self.daemon.start()
        return known

    def test_two_senders_teach_what_one_does_not(self):
        near = self.at("army.mol")
        for local, taught in (("first", False), ("second", True)):
            sender = f"{local}.{self.mark}@example.org"
            self.refused(to=near, sender=sender)
            self.passes(near, sender=sender)
            self.passes(near, sender=sender)
            self.assertEqual(self.knows("army.mol"), taught)


class CodeCase(ConfirmCase):
    config = {
        "rules": [
            {"name": "keep", "recipient": ["keep*@*"], "confidence": 0.5, "action": "quarantine"},
            *RULES,
        ],
        "confirm": {"mode": "code"},
    }

    def told(self, *recipients, subject="Hello", **how):
        """The reply to a message that is refused at its end; recipient: code."""
        text = message(self.mark, subject=subject)
        answers = self.send(*(recipients or (self.near,)), text=text, **how)
        self.assert_reply(answers.end, 550, "5.7.1")
        pattern = r"<([^<>]+)>: [^<]*put (NM-\w{8}) into the subject"
        return answers.end, dict(re.findall(pattern, answers.end.text))

    def passes_with(self, subject, *recipients):
        """It goes through; what stands behind the Subject's colon, or None without one."""
        text = message(self.mark, subject=subject)
        answers = self.send(*(recipients or (self.near,)), text=text)
        self.assert_reply(answers.end, 250)
        delivery = self.assert_arrived(*(recipients or (self.near,)))[-1]
        head = delivery.raw.decode().partition("\n\n")[0]
        found = re.search(r"^Subject:(.*(?:\n[ \t].*)*)", head, re.MULTILINE)
        return found and found[1]

    def test_the_whole_message_is_refused_and_the_code_told(self):
        end, codes = self.told(self.near, self.good)
        self.assertEqual(list(codes), [self.near])
        self.assertIn("1 of its 2 recipients was refused", end.text)
        code = codes[self.near]
        left = self.passes_with(f"Hello [{code}]\n there", self.near, self.good)
        self.assertEqual(left, " Hello\n there")
        rows = self.assert_rows(
            {"action": "confirm", "outcome": "refused"},
            {"action": "accept", "outcome": "refused"},
            {"action": "confirm", "outcome": "passed"},
            {"action": "accept", "outcome": "passed"},
        )
        first, second = rows[0]["id"], rows[2]["id"]
        self.assertEqual(self.acts(first), [("confirmed", f"by its code, Ref {second}")])
        self.assertEqual(self.acts(second), [("confirms", f"refused before, Ref {first}")])
        self.assertIn("Its code was in the subject", self.daemon.ask("audit", "show", second))
        self.assertEqual(self.standing("--sender", self.sender), "remembered")

    def test_each_of_several_recipients_needs_its_own(self):
        other = self.at("army.mol")
        _, codes = self.told(self.near, other)
        self.assertEqual(sorted(codes), sorted([self.near, other]))
        end, again = self.told(self.near, other, subject=codes[other])
        self.assertEqual(again, codes)
        self.assertIn("not those of all", end.text)
        subject = f"{codes[other]} {codes[self.near].lower()}"
        self.assertIsNone(self.passes_with(subject, self.near, other))

    def test_a_wrong_code_and_a_strangers_say_so(self):
        _, codes = self.told()
        stranger = f"stranger.{self.mark}@example.org"
        for subject in ("NM-00000000", codes[self.near]):
            end, _ = self.told(subject=subject, sender=stranger)
            self.assertIn("The code in the subject is not the right one", end.text)

    def test_codes_are_not_to_be_guessed(self):
        _, codes = self.told()
        wrong = " ".join(f"NM-0000000{number}" for number in range(10))
        with self.site.smtp() as session:
            for subject, words in (
                (wrong, "not the right one"),
                (codes[self.near], "Too many wrong codes"),
            ):
                text = message(self.mark, subject=subject)
                answers = self.transfer(session, [self.near], text=text)
                self.assert_reply(answers.end, 550, "5.7.1", words)
        self.passes_with(codes[self.near])

    def test_an_encoded_subject_is_read_and_kept(self):
        _, codes = self.told()
        subject = f"=?utf-8?Q?Gr=C3=BC=C3=9Fe_{codes[self.near]}?="
        self.assertEqual(self.passes_with(subject), " =?utf-8?Q?Gr=C3=BC=C3=9Fe?=")

    def test_another_recipient_is_kept_for_a_reviewer(self):
        kept = self.at("army.ml", local="keep")
        _, codes = self.told(self.near, kept)
        text = message(self.mark, subject=f"{codes[self.near]} Hello")
        self.assert_reply(self.send(self.near, kept, text=text).end, 250)
        self.assert_arrived(self.near)
        self.assertEqual([e["recipient"] for e in self.daemon.kept(self.mark)], [kept])

    def test_the_key_alone_knows_a_code(self):
        """As on another gateway, which has the key and none of what is stored."""
        _, codes = self.told()
        self.daemon.stop()
        for name in os.listdir(self.daemon.folder):
            if name.startswith("state.db"):
                os.unlink(os.path.join(self.daemon.folder, name))
        self.daemon.start()
        self.passes_with(codes[self.near])
        rows = self.assert_rows({"outcome": "refused"}, {"outcome": "passed"})
        self.assertEqual(self.acts(rows[1]["id"]), [("confirmed", "by its code")])
        self.assertEqual(self.acts(rows[0]["id"]), [])

    def test_the_key_is_the_daemons_alone(self):
        key = os.path.join(self.daemon.folder, "confirm-key")
        self.assertEqual(os.stat(key).st_mode & 0o7777, 0o600)
        self.daemon.stop()
        os.chmod(key, 0o640)
        try:
            self.daemon.launch()
            self.assertEqual(self.daemon.server.wait(30), 4)
            self.assertIn("others may read the key of the codes", self.daemon.server.words())
        finally:
            self.daemon.kill()
            os.chmod(key, 0o600)
            self.daemon.start()

    def test_a_null_sender_is_rejected(self):
        answers = self.send(self.near, sender="")
        self.assert_reply(answers.rcpt[self.near], 550, "5.7.1", "Not sent.")

    def test_mail_submitted_here_is_held(self):
        queue_id = self.postfix.submit(self.sender, [self.near], message(self.mark).decode())
        self.accepted.append(queue_id)
        self.assert_held(queue_id)


# How long behind a part of a message the daemon is killed.
LATER_S = (0.0002, 0.0005, 0.001, 0.002, 0.004, 0.008)


class CrashCase(ConfirmCase):
    def say(self, step, number, code=""):
        """A message, with the daemon killed at `step`: the last reply."""
        text = message(self.mark, subject=f"{code} Hello").replace(b"\n", b"\r\n")
        parts = [
            ("mail", f"MAIL FROM:<{self.sender}>\r\n".encode()),
            ("rcpt", f"RCPT TO:<{self.near}>\r\n".encode()),
            ("data", b"DATA\r\n"),
            ("text", text),
            ("end", b".\r\n"),
        ]
        with self.site.smtp() as session:
            for name, part in parts:
                session.send(part)
                if (step, name) in (("later", "rcpt"), ("late", "end")):
                    time.sleep(LATER_S[number % len(LATER_S)])
                    self.daemon.kill()
                if name == step and name in ("text", "end"):
                    self.daemon.kill()
                if name == "text":
                    continue
                reply = session.read()
                if name == step and name != "end":
                    self.daemon.kill()
                if reply.code >= 400:
                    return reply
        self.note(reply)
        return reply

    def recover(self):
        if self.daemon.server:
            self.daemon.kill()
        self.daemon.start()

    def goes_through(self, tries):
        """Send it until it goes through, as who means it does; every refusal says so."""
        for _ in range(tries):
            reply = self.say("none", 0)
            if reply.code == 250:
                return
            self.assertTrue(
                reply.code < 500 or "send it again" in reply.text, f"told only {reply}"
            )
        self.fail("it does not go through")

    def arrived(self):
        self.postfix.settle_all()
        found = self.site.sink.deliveries(self.mark)
        return sum(delivery.recipients.count(self.near) for delivery in found)

    def test_while_it_is_refused(self):
        """Whoever was told to send it again finds that remembered."""
        for number in range(ROUNDS):
            step = ("mail", "rcpt", "later")[number % 3]
            with self.subTest(step=step, number=number):
                self.setUp()
                reply = self.say(step, number)
                self.recover()
                told = reply.code == 550 and "send it again" in reply.text
                self.goes_through(1 if told else 2)
                self.assertEqual(self.arrived(), 1)

    def test_while_it_is_confirmed(self):
        """It is delivered, or its client was told to try again, and that is enough."""
        for number in range(ROUNDS):
            step = ("mail", "rcpt", "data", "text", "end", "late")[number % 6]
            with self.subTest(step=step, number=number):
                self.setUp()
                self.assertEqual(self.say("none", 0).code, 550)
                reply = self.say(step, number)
                self.recover()
                sure = reply.code == 250
                if not sure:
                    self.assertLess(reply.code, 500, str(reply))
                    self.goes_through(1)
                self.assertGreaterEqual(self.arrived(), 1)
                self.assertLessEqual(self.arrived(), 1 if sure else 2)
                self.goes_through(2)
                self.daemon.ask("audit", "verify")


class CodeCrashCase(CrashCase):
    config = {"rules": RULES, "confirm": {"mode": "code"}}

    def goes_through(self, tries):
        """As who means it does it: with the code that was told last."""
        code = ""
        for _ in range(tries + 1):
            reply = self.say("none", 0, code)
            if reply.code == 250:
                return
            self.assertTrue(
                reply.code < 500 or "into the subject" in reply.text, f"told only {reply}"
            )
            code = re.search(r"NM-\w{8}|$", reply.text)[0] or code
        self.fail("it does not go through")

    def test_while_it_is_refused(self):
        for number in range(ROUNDS):
            step = ("mail", "rcpt", "data", "text", "end", "late")[number % 6]
            with self.subTest(step=step, number=number):
                self.setUp()
                self.say(step, number)
                self.recover()
                self.goes_through(1)
                self.assertEqual(self.arrived(), 1)

    def test_while_it_is_confirmed(self):
        for number in range(ROUNDS):
            step = ("mail", "rcpt", "data", "text", "end", "late")[number % 6]
            with self.subTest(step=step, number=number):
                self.setUp()
                code = re.search(r"put (NM-\w{8}) into", self.say("none", 0).text)[1]
                reply = self.say(step, number, code)
                self.recover()
                sure = reply.code == 250
                if not sure:
                    self.assertLess(reply.code, 500, str(reply))
                    self.assertEqual(self.say("none", 0, code).code, 250)
                self.assertGreaterEqual(self.arrived(), 1)
                self.assertLessEqual(self.arrived(), 1 if sure else 2)


if __name__ == "__main__":
    main()
