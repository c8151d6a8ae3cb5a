"""
The evaluation's works: what an index knows, what is typed, and what was meant.

A work is made of real names from the data folder (README.md says which and how); none
stands here.
"""

import collections
import csv
import hashlib
import os
import re

ADDRESSES_MIN = 3  # of a domain in the stream, to be protected
PROVIDERS = 23
CONSUMER_RANKS = 50_000
NEIGHBOUR_RANKS = 10_000
SLIPS_OF_MIL = ("ml", "il", "mi", "mli", "mill")

# What a name can look like; the rest of a stream is junk from broken headers.
NAME = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))+")


def read_doubtful():
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "doubtful.tsv")
    with open(path, encoding="utf-8") as file:
        return {line.split("\t")[0] for line in file if not line.startswith("#")}


DOUBTFUL = read_doubtful()


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def is_doubtful(name):
    return sha256(f"nearmiss {name}")[:16] in DOUBTFUL


class Typed:
    """A name as typed; `meant` is the target of a slip, None where it is meant itself."""

    def __init__(self, name, meant=None, messages=1, doubtful=False):
        self.name = name
        self.meant = meant
        self.messages = messages
        self.doubtful = doubtful  # neither slip nor meant: it counts nowhere
        self.verdict = None


def part_of(typed, parts):
    """Which of so many parts a name belongs to: by what was meant, or by the first of what
    is near, so that no target is in two parts."""
    near = [candidate.target for candidate in typed.verdict.candidates]
    return int(sha256(typed.meant or min(near, default=typed.name))[:8], 16) % parts


class Work:
    def __init__(self, title, known, typed):
        self.title = title
        self.known = known  # lines for the judge
        self.typed = typed


class Data:
    def __init__(self, folder):
        self.folder = folder
        self.ranks = {
            row["domain"]: int(row["rank"])
            for row in self.rows("legit/alexa_top100k_2015.tsv")
            if NAME.fullmatch(row["domain"])
        }

    def rows(self, name):
        path = os.path.join(self.folder, name)
        with open(path, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))

    def union(self):
        """The domains of all public lists together."""
        path = os.path.join(self.folder, "bench", "domains_566k.txt")
        with open(path, encoding="utf-8") as file:
            return [name for name in map(str.strip, file) if NAME.fullmatch(name)]

    def consumer_typos(self):
        """Typo to target; rows that are no name, or whose target is not given, left out."""
        typos = {}
        for source in ("fnando_email_typo", "form_import"):
            for row in self.rows(f"typos/{source}.tsv"):
                if NAME.fullmatch(row["typo"]) and NAME.fullmatch(row["intended"] or ""):
                    typos[row["typo"]] = row["intended"]
        return typos

    def corporate_typos(self):
        rows = self.rows("typos/w3c_labelled.tsv")
        return {row["domain"]: row["near"] for row in rows if row["label"] == "typo"}

    def stream(self):
        """Domain to (addresses, messages)."""
        return {
            row["domain"]: (
                int(row["addresses"]),
                max(int(row["addresses"]), int(row["messages_to"])),
            )
            for row in self.rows("streams/w3c_domains.tsv")
            if NAME.fullmatch(row["domain"])
        }


def is_below(name, names):
    """Whether a name that covers it is among `names`."""
    labels = name.split(".")
    return any(".".join(labels[i:]) in names for i in range(len(labels)))


def read_providers(path):
    with open(path, encoding="utf-8") as file:
        lines = (line.partition("#")[0].strip() for line in file)
        return [line for line in lines if line]


def corporate_lists(data, with_ranks=False):
    stream, typos = data.stream(), data.corporate_typos()
    known = {
        name
        for name, (addresses, _) in stream.items()
        if addresses >= ADDRESSES_MIN and name not in typos
    }
    typed = [
        Typed(name, typos.get(name), messages, doubtful=is_doubtful(name))
        for name, (_, messages) in stream.items()
    ]
    for one in typed:
        if one.meant and not is_below(one.meant, known):
            one.doubtful = True
    lines = [f"protected {name}" for name in sorted(known)]
    if with_ranks:
        lines += [f"rank {name} {rank}" for name, rank in data.ranks.items()]
    return Work("corporate, lists" + ", ranked" * with_ranks, lines, typed)


def corporate_history(data, providers):
    stream, typos = data.stream(), data.corporate_typos()
    known = [f"history {name} {messages}" for name, (_, messages) in stream.items()]
    known += [f"provider {name}" for name in providers]
    typed = [
        Typed(name, typos.get(name), count, doubtful=is_doubtful(name))
        for name, (_, count) in stream.items()
    ]
    return Work("corporate, history", known, typed)


def consumer_known(data, providers):
    """The providers that rank best, and whatever of the list typos are known for."""
    targets = set(data.consumer_typos().values()) & set(providers)
    ranked = sorted((data.ranks.get(name, 10**9), name) for name in providers)
    others = [name for _, name in ranked if name not in targets]
    return sorted(targets) + others[: PROVIDERS - len(targets)]


def consumer(data, providers):
    known = consumer_known(data, providers)
    typos = data.consumer_typos()
    typed = [Typed(typo, meant) for typo, meant in typos.items() if meant in known]
    typed += [
        Typed(name)
        for name, rank in data.ranks.items()
        if rank <= CONSUMER_RANKS and name not in typos and not is_below(name, known)
    ]
    return Work("consumer", [f"protected {name}" for name in known], typed)


def mil_slips(data):
    hosts = sorted({row["host"] for row in data.rows("legit/us_mil_hosts.tsv")})
    stems = [host.removesuffix(".mil") for host in hosts if host.endswith(".mil")]
    typed = [
        Typed(f"{stem}.{suffix}", f"{stem}.mil") for suffix in SLIPS_OF_MIL for stem in stems
    ]
    typed += [Typed(host) for host in hosts]
    return Work("mil", ["suffix mil"], typed)


def real_ml(data, with_ranks):
    """Real names under `ml`: nobody can tell them from slips but by a list or a rank. With
    ranks, those only that have one."""
    lines = [f"rank {name} {rank}" for name, rank in data.ranks.items()] * with_ranks
    names = data.ranks if with_ranks else data.union()
    typed = [Typed(name) for name in names if name.endswith(".ml")]
    return Work("real .ml" + ", ranked" * with_ranks, ["suffix mil", *lines], typed)


def neighbours(data, with_ranks):
    known = [name for name, rank in data.ranks.items() if rank <= NEIGHBOUR_RANKS]
    lines = [f"protected {name}" for name in known]
    near, ranks = set(), dict(data.ranks)
    for row in data.rows("legit/neighbours_top100k.tsv"):
        pair = [(int(row["rank_domain"]), row["domain"]), (int(row["rank_near"]), row["near"])]
        ranks.update((name, rank) for rank, name in pair)
        (best, _), (worst, name) = sorted(pair)
        if best <= NEIGHBOUR_RANKS < worst:
            near.add(name)
    if with_ranks:
        lines += [f"rank {name} {rank}" for name, rank in ranks.items()]
    typos = data.consumer_typos()
    typed = [Typed(typo, meant) for typo, meant in typos.items() if meant in set(known)]
    typed += [Typed(name) for name in sorted(near - set(typos))]
    return Work("neighbours" + ", ranked" * with_ranks, lines, typed)


def ranked_squatters(data, providers):
    """Typos that somebody registered and that are ranked."""
    known = consumer_known(data, providers)
    lines = [f"protected {name}" for name in known]
    lines += [f"rank {name} {rank}" for name, rank in data.ranks.items()]
    typed = [
        Typed(typo, meant)
        for typo, meant in data.consumer_typos().items()
        if typo in data.ranks and meant in known
    ]
    return Work("squatters", lines, typed)


def plain_of_skeleton(skeleton):
    """A name with this skeleton, if one of letters, digits and hyphens has it. Skeletons
    hold `rn` for m and O for 0; of several names that look alike, one is taken always, so
    that it is clear which was meant."""
    name = skeleton.replace("rn", "m").lower().translate(str.maketrans("01i9", "ollg"))
    return name if NAME.fullmatch(name) else None


def idn(data, skeleton_of):
    """`skeleton_of` takes names and gives their skeletons in order."""
    cases = [
        row
        for row in data.rows("lookalike/chromium150_idn_cases.tsv")
        if row["expected"] in ("kSafe", "kUnsafe") and "." in row["input"]
    ]
    plain = [plain_of_skeleton(one) for one in skeleton_of([case["input"] for case in cases])]
    typed, known = [], collections.OrderedDict()
    for case, target in zip(cases, plain):
        if case["expected"] == "kSafe":
            typed.append(Typed(case["input"]))
        elif target is not None and target != case["input"]:
            typed.append(Typed(case["input"], target))
            known[target] = None
    return Work("browser IDN", [f"protected {name}" for name in known], typed)
