"""
Counts what verdicts are worth. Pure: from works that have been judged to figures.
"""

SURE = 0.9  # the confidence from which a verdict counts


class Figures:
    """Of one work at one confidence. Names that are junk, or whose suffix does not exist
    and that nobody labelled, count neither for nor against: nobody can write to them."""

    def __init__(self, work, least=SURE):
        self.slips = self.hits = self.wrong = 0
        self.meant = self.false = self.messages = self.false_messages = self.junk = 0
        self.missed_names, self.false_names, self.junk_names = [], [], []
        for typed in work.typed:
            flagged = typed.verdict.near_miss(least)
            self.messages += typed.messages
            if typed.doubtful:
                continue
            if typed.meant is not None:
                self._count_slip(typed, flagged)
            elif flagged and not typed.verdict.suffix_exists:
                self.junk += 1
                self.junk_names.append(typed)
            else:
                self._count_meant(typed, flagged)

    def _count_slip(self, typed, flagged):
        right = typed.verdict.target == typed.meant
        self.slips += 1
        self.hits += flagged and right
        self.wrong += flagged and not right
        if not (flagged and right):
            self.missed_names.append(typed)

    def _count_meant(self, typed, flagged):
        self.meant += 1
        if flagged:
            self.false += 1
            self.false_messages += typed.messages
            self.false_names.append(typed)

    @property
    def recall(self):
        return self.hits / max(1, self.slips)

    @property
    def false_share(self):
        return self.false / max(1, self.meant)

    @property
    def false_message_share(self):
        return self.false_messages / max(1, self.messages)

    @property
    def wrong_share(self):
        return self.wrong / max(1, self.hits + self.wrong)

    @property
    def precision(self):
        return self.hits / max(1, self.hits + self.wrong + self.false)


def calibration_error(works, with_junk=False, least=0.5, bins=5):
    """The mean distance between confidence and truth over the verdicts from `least` on, in
    bins of equal width, weighted by how many each holds; and the bins. What is junk cannot
    have been meant as it was typed, so that with it a verdict on it is true."""
    rows = [[0, 0.0, 0] for _ in range(bins)]
    for work in works:
        for typed in work.typed:
            verdict = typed.verdict
            if not verdict.near_miss(least) or typed.doubtful:
                continue
            junk = typed.meant is None and not verdict.suffix_exists
            if junk and not with_junk:
                continue
            place = int((verdict.confidence - least) / (1 - least) * bins)
            row = rows[min(place, bins - 1)]
            row[0] += 1
            row[1] += verdict.confidence
            row[2] += junk or typed.meant is not None
    total = sum(count for count, _, _ in rows)
    error = sum(abs(sure - true) for _, sure, true in rows) / max(1, total)
    return error, rows
