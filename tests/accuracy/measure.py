"""
What `run` and `fit` have in common: where the data lie, the judge, and the works.
"""

import os
import subprocess
import sys

import works
from judge import Judge

# What the suffix alone decides; nothing is fitted to it.
BY_SUFFIX = ("mil", "real .ml", "real .ml, ranked")
HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))


def data_folder():
    folder = os.environ.get("NM_DATA_DIR") or os.path.join(SOURCE, "..", "shared", "data")
    if not os.path.isdir(folder):
        print(f"{folder}: no such folder; name the evaluation data in NM_DATA_DIR")
        sys.exit(77)
    return folder


def built_judge(build):
    if build is None:
        build = os.path.join(SOURCE, "build", "release")
        quiet = {"cwd": SOURCE, "check": True, "stdout": subprocess.DEVNULL}
        subprocess.run(["cmake", "--preset", "release"], **quiet)
        subprocess.run(["cmake", "--build", build, "--target", "accuracy_judge"], **quiet)
    return Judge(os.path.join(build, "tests", "accuracy", "accuracy_judge"))


def make_works(data, judge):
    providers = works.read_providers(os.path.join(SOURCE, "conf", "lists", "providers.txt"))
    made = [
        works.corporate_lists(data),
        works.corporate_lists(data, with_ranks=True),
        works.corporate_history(data, providers),
        works.consumer(data, providers),
        works.mil_slips(data),
        works.real_ml(data, with_ranks=False),
        works.real_ml(data, with_ranks=True),
        works.neighbours(data, with_ranks=False),
        works.neighbours(data, with_ranks=True),
        works.ranked_squatters(data, providers),
        works.idn(data, judge.skeletons),
    ]
    for work in made:
        judge.ask(work, candidates=work.title not in BY_SUFFIX)
    return {work.title: work for work in made}
