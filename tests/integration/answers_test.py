"""
What becomes of a message, action by action: what the sender is told, what the recipients
get, what stays in the mail server, and what is on record.
"""

import json

from harness.case import SiteCase, main, message

# The first word of a recipient's address picks the action; all need a near miss.
RULES = [
    {"name": "later", "recipient": ["later.*@*"], "confidence": 0.5, "action": "defer"},
    {"name": "ask", "recipient": ["hold.*@*"], "confidence": 0.5, "action": "hold"},
    {"name": "mark", "recipient": ["tag.*@*"], "confidence": 0.5, "action": "tag"},
    {
        "name": "watch",
        "recipient": ["watch.*@*"],
        "confidence": 0.5,
        "action": "reject",
        "mode": "observe",
    },
    {
        "name": "mil-ml",
        "technique": ["suffix"],
        "target": ["army.mil"],
        "action": "reject",
    },
]


class EnforceCase(SiteCase):
    config = {"rules": RULES}

    def test_a_near_miss_is_refused_with_the_domain_that_was_meant(self):
        bad = self.at("army.ml")
        answers = self.send(bad)
        self.assert_reply(answers.rcpt[bad], 550, "5.7.1", "army.ml", "army.mil", "Ref ")
        self.assert_reply(answers.end, 554)
        self.assert_arrived()
        self.assertEqual(self.queue(), [])
        (row,) = self.assert_rows(
            {
                "sender": self.sender,
                "recipient": bad,
                "domain": "army.ml",
                "match": "near-miss",
                "target": "army.mil",
                "technique": "suffix",
                "rule": "mil-ml",
                "action": "reject",
                "mode": "enforce",
                "client": "127.0.0.1",
                "gateway": "gw.test.example",
            }
        )
        self.assertEqual(row["id"], answers.rcpt[bad].reference)
        self.assertEqual(row["reply"], str(answers.rcpt[bad]))
        self.assertGreaterEqual(row["confidence"], 0.9)

    def test_the_reference_of_a_refusal_is_found(self):
        bad = self.at("army.ml")
        reference = self.send(bad).rcpt[bad].reference
        shown = json.loads(
            self.daemon.ask("audit", "show", reference, "--format", "json").splitlines()[0]
        )
        self.assertEqual(shown["recipient"], bad)
        self.assertIn(bad, self.daemon.ask("audit", "show", reference))

    def test_a_refused_recipient_leaves_the_others_alone(self):
        good, bad, own = self.at("army.mil"), self.at("army.ml"), self.at("example.org")
        answers = self.send(good, bad, own)
        self.assert_reply(answers.rcpt[good], 250)
        self.assert_reply(answers.rcpt[bad], 550, "5.7.1")
        self.assert_reply(answers.rcpt[own], 250)
        self.assert_reply(answers.end, 250)
        self.assert_arrived(good, own)
        self.assertEqual(self.queue(), [])
        queue_id = answers.end.queue_id
        rows = self.assert_rows(
            {"recipient": good, "action": "accept", "match": "protected", "outcome": "passed"},
            {"recipient": bad, "action": "reject", "match": "near-miss", "outcome": "refused"},
            {"recipient": own, "action": "accept", "match": "own", "outcome": "passed"},
        )
        self.assertEqual({row["queue_id"] for row in rows}, {queue_id})
        self.assertEqual(len({row["transaction"] for row in rows}), 1)

    def test_what_is_not_near_goes_through(self):
        plain = self.at("unrelated.example")
        self.assert_reply(self.send(plain).end, 250)
        (delivery,) = self.assert_arrived(plain)
        self.assertEqual(delivery.header("X-Nearmiss"), [])
        self.assertEqual(self.queue(), [])
        self.assert_rows(
            {"match": "none", "target": None, "action": "accept", "outcome": "passed"}
        )

    def test_a_held_message_waits_whole_until_it_is_released(self):
        near, good = self.at("army.ml", local="hold"), self.at("army.mil")
        answers = self.send(near, good)
        self.assert_reply(answers.rcpt[near], 250)
        self.assert_reply(answers.end, 250)
        queue_id = answers.end.queue_id
        self.assert_held(queue_id)
        self.assert_arrived()
        self.assert_rows(
            {"recipient": near, "action": "hold", "outcome": "held", "queue_id": queue_id},
            {"recipient": good, "action": "accept", "outcome": "held", "queue_id": queue_id},
        )
        self.postfix.release(queue_id)
        self.assert_arrived(near, good)
        self.assertEqual(self.queue(), [])

    def test_a_deferred_recipient_is_put_off(self):
        near, good = self.at("army.ml", local="later"), self.at("army.mil")
        answers = self.send(near, good)
        self.assert_reply(answers.rcpt[near], 451, "4.7.1", "army.mil", "Ref ")
        self.assert_reply(answers.end, 250)
        self.assert_arrived(good)
        self.assertEqual(self.queue(), [])
        self.assert_rows(
            {"recipient": near, "action": "defer", "rule": "later"},
            {"recipient": good, "action": "accept", "outcome": "passed"},
        )

    def test_a_tag_holds_the_reference_and_nobody(self):
        near, good = self.at("army.ml", local="tag"), self.at("army.mil")
        answers = self.send(near, good)
        self.assert_reply(answers.rcpt[near], 250)
        (delivery,) = self.assert_arrived(near, good)
        self.assertEqual(self.queue(), [])
        row, _ = self.assert_rows(
            {"recipient": near, "action": "tag", "outcome": "passed"},
            {"recipient": good, "action": "accept", "outcome": "passed"},
        )
        (tag,) = delivery.header("X-Nearmiss")
        self.assertIn(tag, (row["id"], row["transaction"]))
        shown = self.daemon.ask("audit", "show", tag)
        self.assertIn(near, shown)

    def test_a_tag_that_came_with_the_message_is_taken_off(self):
        forged = message(
            self.mark, "X-Nearmiss: forged", "X-Kept: yes", "x-nearmiss:again", "X-Last: yes"
        )
        for recipient in (self.at("army.mil"), self.at("army.ml", local="tag")):
            self.send(recipient, text=forged)
        deliveries = self.assert_arrived(self.at("army.mil"), self.at("army.ml", local="tag"))
        self.assertEqual(self.queue(), [])
        rows = self.assert_rows({"action": "accept"}, {"action": "tag"})
        for delivery in deliveries:
            tagged = delivery.recipients[0].startswith("tag")
            tags = delivery.header("X-Nearmiss")
            self.assertEqual(len(tags), 1 if tagged else 0, delivery)
            self.assertNotIn("forged", tags)
            self.assertNotIn("again", tags)
            self.assertEqual(delivery.header("X-Kept"), ["yes"])
            self.assertEqual(delivery.header("X-Last"), ["yes"])
        self.assertEqual(len(rows), 2)

    def test_a_rule_that_only_watches_changes_nothing(self):
        near = self.at("army.ml", local="watch")
        answers = self.send(near)
        self.assert_reply(answers.rcpt[near], 250)
        self.assert_arrived(near)
        self.assertEqual(self.queue(), [])
        self.assert_rows({"action": "reject", "mode": "observe", "outcome": "passed"})

    def test_the_null_sender_is_judged_like_any_other(self):
        bad, good = self.at("army.ml"), self.at("army.mil")
        answers = self.send(bad, good, sender="")
        self.assert_reply(answers.rcpt[bad], 550, "5.7.1")
        self.assert_reply(answers.end, 250)
        (delivery,) = self.assert_arrived(good)
        self.assertEqual(delivery.sender, "")
        self.assertEqual(self.queue(), [])
        self.assert_rows(
            {"recipient": bad, "sender": "", "action": "reject"},
            {"recipient": good, "sender": "", "action": "accept", "outcome": "passed"},
        )

    def test_postmaster_without_a_domain_is_let_through(self):
        answers = self.send("postmaster")
        self.assert_reply(answers.rcpt["postmaster"], 250)
        self.assert_arrived("postmaster@gw.test.example")
        self.assertEqual(self.queue(), [])
        self.assert_rows({"recipient": "postmaster", "action": "accept", "outcome": "passed"})

    def test_address_literals_are_let_through(self):
        literals = [self.at("[192.0.2.1]"), self.at("[IPv6:2001:db8::1]")]
        answers = self.send(*literals)
        self.assert_reply(answers.end, 250)
        self.assert_arrived(*literals)
        self.assertEqual(self.queue(), [])
        self.assert_rows(
            *[
                {"recipient": one, "target": None, "action": "accept", "outcome": "passed"}
                for one in literals
            ]
        )

    def test_upper_case_a_trailing_dot_and_quotes_hide_nothing(self):
        for recipient in (
            self.at("ARMY.ML"),
            self.at("army.ml."),
            f'"bob {self.mark}"@army.ml',
            f"@relay.example:bob.{self.mark}@army.ml",
        ):
            with self.subTest(recipient):
                self.assert_reply(self.send(recipient).rcpt[recipient], 550)
        self.assert_arrived()
        self.assertEqual(self.queue(), [])
        self.assert_rows(*[{"domain": "army.ml", "action": "reject"}] * 4)

    def test_a_storm_of_refusals_ends_at_the_end_of_the_message(self):
        bad = [self.at("army.ml", local=f"u{n}") for n in range(30)]
        good = self.at("army.mil")
        answers = self.send(*bad, good)
        codes = [answers.rcpt[one].code for one in bad]
        self.assertEqual(codes, [550] * 8 + [250] * 22)
        self.assert_reply(answers.rcpt[good], 250)
        self.assert_reply(answers.end, 550, "5.7.1", "army.mil", "Ref ")
        self.assert_arrived()
        self.assertEqual(self.queue(), [])
        rows = self.assert_rows(
            *[{"recipient": one, "action": "reject", "outcome": "refused"} for one in bad],
            {"recipient": good, "action": "accept", "outcome": "refused"},
        )
        self.assertIn(answers.end.reference, {row["id"] for row in rows})

    def test_a_message_that_goes_through_ends_the_count_of_refusals(self):
        bad = [self.at("army.ml", local=f"u{n}") for n in range(8)]
        good = self.at("army.mil")
        with self.site.smtp() as session:
            for _ in range(3):
                answers = self.transfer(session, [*bad, good])
                self.assertEqual({answers.rcpt[one].code for one in bad}, {550})
                self.assert_reply(answers.end, 250)
        self.assert_arrived(good, good, good)
        self.assertEqual(self.queue(), [])
        refused = {"action": "reject", "outcome": "refused"}
        passed = {"recipient": good, "outcome": "passed"}
        self.assert_rows(*[*[refused] * 8, passed] * 3)


class ObserveCase(SiteCase):
    config = {"rules": RULES, "mode": "observe"}

    def test_everything_goes_through_and_the_log_says_what_would_have_been(self):
        recipients = {
            self.at("army.ml"): "reject",
            self.at("army.ml", local="later"): "defer",
            self.at("army.ml", local="hold"): "hold",
            self.at("army.ml", local="tag"): "tag",
            self.at("army.mil"): "accept",
        }
        answers = self.send(*recipients)
        self.assertEqual({reply.code for reply in answers.rcpt.values()}, {250})
        self.assert_reply(answers.end, 250)
        for delivery in self.assert_arrived(*recipients):
            self.assertEqual(delivery.header("X-Nearmiss"), [])
        self.assertEqual(self.queue(), [])
        self.assert_rows(
            *[
                {"recipient": one, "action": action, "mode": "observe", "outcome": "passed"}
                for one, action in recipients.items()
            ]
        )

    def test_a_header_that_looks_like_ours_is_left_as_it_is(self):
        self.send(self.at("army.ml"), text=message(self.mark, "X-Nearmiss: theirs"))
        (delivery,) = self.assert_arrived(self.at("army.ml"))
        self.assertEqual(delivery.header("X-Nearmiss"), ["theirs"])
        self.assertEqual(self.queue(), [])
        self.assert_rows({"action": "reject", "mode": "observe"})


class WholeMessageCase(SiteCase):
    config = {"rules": RULES, "partial": "message"}

    def test_one_refused_recipient_refuses_the_message(self):
        bad, good = self.at("army.ml"), self.at("army.mil")
        answers = self.send(good, bad)
        self.assert_reply(answers.rcpt[good], 250)
        self.assert_reply(answers.rcpt[bad], 250)
        self.assert_reply(answers.end, 550, "5.7.1", "army.ml", "army.mil", "Ref ")
        self.assert_arrived()
        self.assertEqual(self.queue(), [])
        self.assert_rows(
            {"recipient": good, "action": "accept", "outcome": "refused"},
            {"recipient": bad, "action": "reject", "outcome": "refused"},
        )


if __name__ == "__main__":
    main()
