"""
Has the judge, a C program that links the match layer, give its verdicts on a work.
"""

import subprocess
import tempfile


class Candidate:
    def __init__(self, line):
        _, self.target, score, *features = line.split("\t")
        self.score = float(score)
        self.features = [
            (int(number), float(value))
            for number, value in (feature.split(":") for feature in features)
        ]


class Verdict:
    def __init__(self, line):
        _, self.match, confidence, self.target, self.technique, exists = line.split("\t")
        self.confidence = float(confidence)
        self.suffix_exists = exists == "1"
        self.candidates = []

    def near_miss(self, least):
        return self.match == "near-miss" and self.confidence >= least


class Judge:
    def __init__(self, program):
        self.program = program

    def ask(self, work, candidates=False):
        """Set the verdict of everything typed in `work`."""
        with tempfile.NamedTemporaryFile("w", prefix="nearmiss-", suffix=".spec") as spec:
            spec.writelines(f"{line}\n" for line in work.known)
            spec.flush()
            arguments = [spec.name] + (["--candidates"] if candidates else [])
            lines = self.answer(arguments, [typed.name for typed in work.typed])
        verdicts = []
        for line in lines:
            if line.startswith("+\t"):
                verdicts[-1].candidates.append(Candidate(line))
            else:
                verdicts.append(Verdict(line))
        if len(verdicts) != len(work.typed):
            raise ValueError(f"{len(verdicts)} verdicts for {len(work.typed)} names")
        for typed, verdict in zip(work.typed, verdicts):
            typed.verdict = verdict

    def skeletons(self, names):
        return [line.split("\t")[1] for line in self.answer(["--skeletons"], names)]

    def features(self):
        """Name and weight of each feature, in the judge's order."""
        rows = (line.split("\t") for line in self.answer(["--features"], []))
        return [(name, float(weight)) for _, name, weight in rows]

    def curve(self):
        """What turns odds into confidence: surplus, below, above."""
        return [float(number) for number in self.answer(["--curve"], [])[0].split("\t")]

    def answer(self, arguments, names):
        done = subprocess.run(
            [self.program, *arguments],
            input="".join(f"{name}\n" for name in names),
            stdout=subprocess.PIPE,
            check=True,
            encoding="utf-8",
        )
        return done.stdout.splitlines()
