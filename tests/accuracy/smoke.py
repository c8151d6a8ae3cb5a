#!/usr/bin/env python3
"""
Whether the harness counts right: the judge's answers on a few invented names, and figures
from verdicts made up here.
"""

import math
import os
import subprocess
import sys
import tempfile
import unittest

import works
from judge import Judge, Verdict
from fitting import confidence
from score import Figures, calibration_error

JUDGE = Judge(sys.argv.pop(1))
HERE = os.path.dirname(os.path.abspath(__file__))


def judged(*rows):
    """A work of (name, meant, match, confidence, target, exists)."""
    typed = []
    for name, meant, match, confidence, target, exists in rows:
        one = works.Typed(name, meant, messages=10)
        one.verdict = Verdict(f"{name}\t{match}\t{confidence}\t{target}\tkey\t{exists}")
        typed.append(one)
    return works.Work("made up", [], typed)


class Answers(unittest.TestCase):
    def ask(self, known, names, candidates=False):
        work = works.Work("asked", known, [works.Typed(name) for name in names])
        JUDGE.ask(work, candidates)
        return [typed.verdict for typed in work.typed]

    def test_an_answer_for_each_name_in_order(self):
        known = ["protected harbourworks.example", "history quay.example 40"]
        names = ["harbourwroks.example", "no name!", "mail.harbourworks.example", "q.test"]
        verdicts = self.ask(known, names)
        self.assertEqual(
            [one.match for one in verdicts], ["near-miss", "invalid", "protected", "none"]
        )
        self.assertEqual(verdicts[0].target, "harbourworks.example")
        self.assertEqual(verdicts[0].technique, "transposition")
        self.assertGreater(verdicts[0].confidence, 0.9)

    def test_the_suffix_exists_or_not(self):
        verdicts = self.ask(["suffix mil"], ["fleet.mill", "fleet.ml"])
        self.assertEqual([one.suffix_exists for one in verdicts], [False, True])
        self.assertEqual([one.target for one in verdicts], ["fleet.mil", "fleet.mil"])

    def test_a_candidate_scores_what_its_features_weigh(self):
        names = [name for name, _ in JUDGE.features()]
        weights = [weight for _, weight in JUDGE.features()]
        known = ["protected harbourworks.example 3", "history quayside.example 40"]
        typed = ["harbourwroks.example", "quaysde.example", "harbourworks.exampel"]
        begin_genuine = names.index("NM_FEATURE_CONSTANT")
        for verdict in self.ask(known, typed, candidates=True):
            self.assertTrue(verdict.candidates)
            for candidate in verdict.candidates:
                score = sum(
                    value * weights[at] * (1 if at < begin_genuine else -1)
                    for at, value in candidate.features
                )
                self.assertAlmostEqual(score, candidate.score, places=3)

    def test_the_fit_is_as_confident_as_the_program(self):
        known = ["protected harbourworks.example", "protected quayside.example", "suffix mil"]
        typed = ["harbourwroks.example", "quaysode.example", "quaxside.example", "fleet.ml"]
        typed += ["quayside.test", "hrbourworkz.example"]
        for name, verdict in zip(typed, self.ask(known, typed, candidates=True)):
            best = {}
            for one in verdict.candidates:
                best[one.target] = max(one.score, best.get(one.target, -math.inf))
            sure = confidence(math.log(sum(map(math.exp, best.values()))), JUDGE.curve())
            self.assertAlmostEqual(sure, verdict.confidence, places=5, msg=name)

    def test_skeletons_are_without_marks(self):
        given = ["quáy.example", "m.example", "xn--80a8a6a.example"]
        skeletons = JUDGE.skeletons(given)
        self.assertEqual(skeletons[:2], ["quay.exarnple", "rn.exarnple"])
        self.assertTrue(skeletons[2].endswith(".exarnple"))
        self.assertNotIn("xn--", skeletons[2])


class Counting(unittest.TestCase):
    def test_each_kind_of_name_counts_where_it_belongs(self):
        work = judged(
            ("a.example", "b.example", "near-miss", 0.95, "b.example", 1),
            ("c.example", "d.example", "near-miss", 0.95, "e.example", 1),
            ("f.example", "g.example", "near-miss", 0.85, "g.example", 1),
            ("h.example", "i.example", "none", 0, "-", 1),
            ("j.example", None, "near-miss", 0.99, "k.example", 1),
            ("l.example", None, "near-miss", 0.60, "m.example", 1),
            ("n.example", None, "known", 0, "-", 1),
            ("o.exmaple", None, "near-miss", 0.99, "p.example", 0),
        )
        figures = Figures(work)
        self.assertEqual((figures.slips, figures.hits, figures.wrong), (4, 1, 1))
        self.assertEqual((figures.meant, figures.false, figures.junk), (3, 1, 1))
        self.assertEqual(figures.recall, 1 / 4)
        self.assertEqual(figures.false_share, 1 / 3)
        self.assertEqual(figures.false_message_share, 10 / 80)
        self.assertEqual(figures.wrong_share, 1 / 2)
        self.assertEqual(figures.precision, 1 / 3)
        self.assertEqual([one.name for one in figures.false_names], ["j.example"])
        self.assertEqual(len(figures.missed_names), 3)

    def test_what_is_doubtful_counts_nowhere(self):
        work = judged(("a.example", "b.example", "near-miss", 0.95, "b.example", 1))
        work.typed[0].doubtful = True
        figures = Figures(work)
        self.assertEqual((figures.slips, figures.meant, figures.hits), (0, 0, 0))
        self.assertEqual(calibration_error([work])[0], 0)

    def test_calibration_is_how_far_confidence_is_from_truth(self):
        rows = [("a.example", "b.example", "near-miss", 0.95, "b.example", 1)] * 3
        rows += [("c.example", None, "near-miss", 0.95, "b.example", 1)]
        rows += [("d.example", None, "near-miss", 0.45, "b.example", 1)]
        error, bins = calibration_error([judged(*rows)])
        self.assertAlmostEqual(error, 0.95 - 3 / 4)
        self.assertEqual([count for count, _, _ in bins], [0, 0, 0, 0, 4])


class Shapes(unittest.TestCase):
    def test_junk_is_told_from_names_by_its_shape(self):
        for name in ("a.example", "a-b.c.example", "xn--80a8a6a.example"):
            self.assertTrue(works.NAME.fullmatch(name), name)
        for name in ("example", "a..example", "a.example:", "-a.example", "a_b.example", "a."):
            self.assertFalse(works.NAME.fullmatch(name), name)

    def test_what_lies_below_a_name_is_covered(self):
        self.assertTrue(works.is_below("mail.a.example", {"a.example"}))
        self.assertTrue(works.is_below("a.example", {"a.example"}))
        self.assertFalse(works.is_below("ba.example", {"a.example"}))

    def test_one_name_stands_for_those_that_look_alike(self):
        self.assertEqual(works.plain_of_skeleton("rnai1.exarnple"), "mall.example")
        self.assertIsNone(works.plain_of_skeleton("???.example"))


class Command(unittest.TestCase):
    def test_without_data_it_says_so_and_is_skipped(self):
        with tempfile.TemporaryDirectory() as folder:
            missing = os.path.join(folder, "none")
            done = subprocess.run(
                [sys.executable, os.path.join(HERE, "run")],
                env={**os.environ, "NM_DATA_DIR": missing},
                stdout=subprocess.PIPE,
                encoding="utf-8",
            )
        self.assertEqual(done.returncode, 77)
        self.assertIn(missing, done.stdout)


if __name__ == "__main__":
    unittest.main()
