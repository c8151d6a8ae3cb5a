"""
Fitting the weights of the model (src/match/model.h) to the works, and judging the works
again by other weights than the program's.

Each typed name with something near it is a case: which of the candidates was meant, or
none. The weights maximise the cases' log-likelihood under

    P(t | q) = exp(score of t) / (1 + sum over the candidates of exp(score))

where a score is linear in the weights, less a penalty for straying from published or
reasoned ratios (priors.tsv), which decide what the cases do not tell. Newton's method; the
likelihood has one maximum.

A slip counts many times (WORKS): streams hold few, and missing one costs more than asking
once in vain. What confidence such odds deserve is told by nm_confidence of
src/match/model.c, of which `confidence` is the likeness; its curve is fitted to what five
folds give for the streams, with every slip counted once.
"""

import math
import os

import measure
import works
from score import SURE, Figures

MOST = 20.0  # as in src/match/model.c
STEPS_MAX = 40
FOLDS = 5
# Where the curve is looked for: the surplus, and how fast it falls.
SURPLUSES = [step / 10 for step in range(51)]
FALLS = [1, 2, 3, 5, 7, 10, 14, 20]
STREAMS = ("corporate, lists", "corporate, history", "consumer")
PRIORS = os.path.join(measure.HERE, "priors.tsv")
# Of the works that teach: how much a case counts, and how many times that a slip does.
WORKS = {
    "corporate, lists": (1, 5),
    "corporate, lists, ranked": (0.3, 5),
    "corporate, history": (1, 65),
    "consumer": (1, 40),
    "neighbours": (0.1, 10),
    "neighbours, ranked": (0.1, 10),
    "squatters": (1, 20),
    "browser IDN": (0.3, 10),
}
CONSTANT = "NM_FEATURE_CONSTANT"  # where the features of `genuine` begin


class Case:
    """`rows` holds the features of each candidate, those of `genuine` with their sign
    turned, so that a score is one sum; `meant` is a place in it or None."""

    def __init__(self, typed, begin_genuine):
        best = {}
        for candidate in typed.verdict.candidates:
            kept = best.get(candidate.target)
            if kept is None or candidate.score > kept.score:
                best[candidate.target] = candidate
        self.typed = typed
        self.targets = sorted(best)
        self.rows = [
            [
                (at, value if at < begin_genuine else -value)
                for at, value in best[target].features
            ]
            for target in self.targets
        ]
        self.meant = (
            self.targets.index(typed.meant) if typed.meant in self.targets else None
        )
        self.half = works.part_of(typed, 2)
        self.fold = works.part_of(typed, 5)

    def is_lesson(self):
        """What cannot be found teaches nothing; nor does a name that nobody labelled, of a
        suffix that does not exist."""
        typed = self.typed
        found = typed.meant is None or self.meant is not None
        labelled = typed.meant is not None or typed.verdict.suffix_exists
        return bool(self.rows) and found and labelled and not typed.doubtful

    def probabilities(self, weights):
        """Of each target, and that the name was meant."""
        powers = [
            math.exp(min(sum(weights[at] * value for at, value in row), 500))
            for row in self.rows
        ]
        total = 1 + sum(powers)
        return [power / total for power in powers], 1 / total


class Lessons:
    """The works that teach, judged with their candidates."""

    def __init__(self, judge, made):
        self.features = judge.features()
        self.names = [name for name, _ in self.features]
        self.curve = judge.curve()
        self.made = made
        self.means, self.widths = read_priors(self.names)
        self.cases = {}
        for title in WORKS:
            self.cases[title] = [
                Case(typed, self.names.index(CONSTANT)) for typed in made[title].typed
            ]

    def fit(self, part, without=()):
        """Weights for the cases in `part`; names that begin with one of `without` weigh
        nothing."""
        taught = []
        for title, (amount, slip_amount) in WORKS.items():
            for case in self.cases[title]:
                if case.is_lesson() and part(case):
                    slip = case.typed.meant is not None
                    taught.append((case, amount * (slip_amount if slip else 1)))
        means, widths = list(self.means), list(self.widths)
        for at, name in enumerate(self.names):
            if name.startswith(tuple(without)):
                means[at] = widths[at] = 0.0
        return fit(taught, means, widths)

    def fit_folds(self):
        """Weights for each fold, fitted to the others."""
        return [self.fit(lambda case, one=fold: case.fold != one) for fold in range(FOLDS)]

    def fit_curve(self, folds):
        """The curve under which the streams' cases are likeliest, judged by the weights of
        their folds, each stream counting as much as another."""
        streams = []
        for title in STREAMS:
            cases = [case for case in self.cases[title] if case.is_lesson()]
            streams.append(
                [(ln_odds(case, folds[case.fold]), case.meant is not None) for case in cases]
            )
        curves = [[surplus, fall, self.curve[2]] for surplus in SURPLUSES for fall in FALLS]
        return min(curves, key=lambda curve: sum(surprise(one, curve) for one in streams))

    def judged(self, title, weights_of, part=lambda case: True):
        """The work as the weights that `weights_of` gives for each case judge it, of those
        cases only that belong to `part`."""
        again = []
        for case in self.cases[title]:
            if part(case):
                typed = case.typed
                one = works.Typed(typed.name, typed.meant, typed.messages, typed.doubtful)
                one.verdict = Weighed(case, weights_of(case), self.curve)
                again.append(one)
        return works.Work(title, [], again)


def read_priors(names):
    """The mean of each weight, and how far it may stray."""
    means, widths = {}, {}
    with open(PRIORS, encoding="utf-8") as file:
        for line in file:
            words = line.partition("#")[0].split()
            if words:
                means[words[0]], widths[words[0]] = float(words[1]), float(words[2])
    missing = set(names) ^ set(means)
    if missing:
        raise SystemExit(f"{PRIORS}: these are on one side only: {sorted(missing)}")
    return [means[name] for name in names], [widths[name] for name in names]


# ---- the likelihood ----------------------------------------------------------


def objective(cases, weights, means, widths):
    total = sum(
        ((weight - mean) / width) ** 2 / 2
        for weight, mean, width in zip(weights, means, widths)
        if width
    )
    for case, amount in cases:
        shares, rest = case.probabilities(weights)
        total -= amount * math.log(
            max(1e-300, rest if case.meant is None else shares[case.meant])
        )
    return total


def slope_and_curve(cases, weights, means, widths):
    size = len(weights)
    slope = [0.0] * size
    curve = [[0.0] * size for _ in range(size)]
    for at, (weight, mean, width) in enumerate(zip(weights, means, widths)):
        slope[at] = (weight - mean) / width**2 if width else 0.0
        curve[at][at] = 1 / width**2 if width else 1e12
    for case, amount in cases:
        shares, rest = case.probabilities(weights)
        average = {}
        for share, row in zip(shares, case.rows):
            if share > 1e-9:
                for at, value in row:
                    average[at] = average.get(at, 0.0) + share * value
        for at, value in average.items():
            slope[at] += amount * value
        if case.meant is not None:
            for at, value in case.rows[case.meant]:
                slope[at] -= amount * value
        if rest > 0.9999 or max(shares) > 0.9999:
            continue
        for share, row in zip(shares, case.rows):
            if share < 1e-4:
                continue
            for at, value in row:
                line = curve[at]
                for other, second in row:
                    line[other] += amount * share * value * second
        for at, value in average.items():
            line = curve[at]
            for other, second in average.items():
                line[other] -= amount * value * second
    return slope, curve


def solve(matrix, right):
    """Gauss, with pivots: the matrix is small."""
    size = len(right)
    rows = [list(row) + [value] for row, value in zip(matrix, right)]
    for at in range(size):
        pivot = max(range(at, size), key=lambda row: abs(rows[row][at]))
        rows[at], rows[pivot] = rows[pivot], rows[at]
        head = rows[at][at]
        for other in range(at + 1, size):
            factor = rows[other][at] / head
            if factor:
                rows[other] = [a - factor * b for a, b in zip(rows[other], rows[at])]
    result = [0.0] * size
    for at in reversed(range(size)):
        known = sum(rows[at][i] * result[i] for i in range(at + 1, size))
        result[at] = (rows[at][size] - known) / rows[at][at]
    return result


def fit(cases, means, widths):
    """`cases` are pairs of a case and how much it counts; a width of 0 fixes a weight."""
    weights = list(means)
    now = objective(cases, weights, means, widths)
    for _ in range(STEPS_MAX):
        slope, curve = slope_and_curve(cases, weights, means, widths)
        step = solve(curve, [s if width else 0.0 for s, width in zip(slope, widths)])
        length = 1.0
        while length > 1e-4:
            moved = [weight - length * part for weight, part in zip(weights, step)]
            then = objective(cases, moved, means, widths)
            if then < now:
                break
            length /= 2
        else:
            break
        gain, now, weights = now - then, then, moved
        if gain < 0.01:
            break
    return weights


# ---- what weights are worth --------------------------------------------------


def ln_odds(case, weights):
    """Of a name's being a slip."""
    shares, rest = case.probabilities(weights)
    return math.log(sum(shares) / rest)


def confidence(odds, curve):
    """Of a name's being a slip, when `odds` is the logarithm of the odds of it."""
    surplus, below, above = curve
    sure = math.log(SURE / (1 - SURE))
    asked = sure + (below if odds < sure else above) * (odds - sure)
    return 1 / (1 + math.exp(-min(max(asked, odds - surplus), MOST)))


def surprise(cases, curve):
    """The mean over the slips among `cases`, pairs of ln odds and whether it is one."""
    total = 0.0
    for odds, is_slip in cases:
        sure = confidence(odds, curve)
        total -= math.log(max(1e-300, sure if is_slip else 1 - sure))
    return total / max(1, sum(is_slip for _, is_slip in cases))


class Weighed:
    """A verdict as other weights would give it."""

    def __init__(self, case, weights, curve):
        shares, _ = case.probabilities(weights)
        best = max(range(len(shares)), key=shares.__getitem__, default=None)
        self.confidence = confidence(ln_odds(case, weights), curve) if shares else 0.0
        self.target = case.targets[best] if best is not None else "-"
        self.technique = "-"
        self.match = "near-miss" if self.confidence >= 0.5 else "none"
        self.suffix_exists = case.typed.verdict.suffix_exists

    def near_miss(self, least):
        return self.confidence >= least


GROUPS = {
    "nothing": (),
    "classes of suffixes": ("CLASS(", "NM_FEATURE_SUFFIX_"),
    "how usual a suffix is": ("NM_FEATURE_SUFFIX_USUAL",),
    "length and spelling": (
        "NM_FEATURE_LENGTH",
        "NM_FEATURE_LN_LENGTH",
        "NM_FEATURE_SPELLING",
    ),
    "words": ("NM_FEATURE_WORDS",),
    "further slips": ("NM_FEATURE_FURTHER",),
    "place in the label": ("NM_FEATURE_FIRST", "NM_FEATURE_LAST", "NM_FEATURE_PLURAL"),
    "kinds of slips": ("KIND(",),
    "names near the typed": ("NM_FEATURE_CROWD",),
    "mail providers": ("NM_FEATURE_PROVIDER", "NM_FEATURE_TYPED_PROVIDER"),
    "messages to the target": ("NM_FEATURE_LN_COUNT",),
    "messages to the typed": ("NM_FEATURE_SEEN", "NM_FEATURE_LN_SEEN"),
    "one registrable part": ("NM_FEATURE_KIN", "NM_FEATURE_REGISTRABLE", "NM_FEATURE_BELOW"),
    "ranks": (
        "NM_FEATURE_RANKED",
        "NM_FEATURE_LN_RANKS",
        "NM_FEATURE_TARGET_",
        "NM_FEATURE_LN_TARGET_",
    ),
    "size of the list": ("NM_FEATURE_LN_LISTED",),
}
ABLATED = ("corporate, lists", "corporate, history", "consumer", "neighbours, ranked")


def ablation(lessons):
    """For each group of evidence, the recalls of ABLATED by weights that were fitted to
    the first half without it, at as many false as the whole model flags."""
    limits = {}
    for group, heads in GROUPS.items():
        weights = lessons.fit(lambda case: case.half == 0, heads)
        recalls = []
        for title in ABLATED:
            work = lessons.judged(title, lambda case, given=weights: given)
            limits.setdefault(title, Figures(work).false)
            recalls.append(recall_at(work, limits[title]))
        yield group, recalls


def recall_at(work, false):
    """The recall at the confidence from which no more than `false` names are flagged."""
    wrong = sorted(
        (
            one.verdict.confidence
            for one in work.typed
            if one.meant is None and not one.doubtful and one.verdict.suffix_exists
        ),
        reverse=True,
    )
    least = wrong[false] if len(wrong) > false else 0.0
    slips = [one for one in work.typed if one.meant and not one.doubtful]
    hits = [
        one
        for one in slips
        if one.verdict.confidence > least and one.verdict.target == one.meant
    ]
    return len(hits) / max(1, len(slips))
