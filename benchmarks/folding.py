"""What folding in new events loses against learning them, on the small MovieLens: for each family the lists of two fits.

    OPENBLAS_NUM_THREADS=1 python benchmarks/folding.py [--data ../shared/data/movielens_small] [--share 0.05]

The events that may be learned from, all before the test's cut in time, are cut again in time: the old model learns those
before this cut, and the new one all. Both are asked about the same users with all they did before the test, those who did
something in the test; what they did there is the truth, and chooses nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from plimsoll import audience, catalogue, cuts, folding
from plimsoll.clock import Clock
from plimsoll.job import Job, Lists, Split, Task
from plimsoll.recipe import Fold
from plimsoll.rows import Rows

FAMILIES = ("popular", "transitions", "item_knn", "rp3beta", "ease", "ials")
JOB = Job("item_id", split=Split("time"), task=Task.RANKING, lists=Lists("user_id", "timestamp"))
SECONDS = 600.0


def fitted(name: str, asked: audience.Audience, learn: Rows) -> Any:
    """The family with the settings that it is tried with first."""
    family = catalogue.find(name)
    fold = Fold(learn, np.zeros(len(learn)), collection=asked.collection)
    return family.fit(JOB, asked.schema, fold, family.space.default, Clock(SECONDS))


def main(folder: Path, share: float) -> None:
    """Prints a row for each family."""
    asked = audience.of(JOB, str(folder / "interactions.csv.gz"))
    test = cuts.for_test(asked.events, JOB.split)
    before = cuts.for_choice(test, JOB.split, share=share).learn
    told, truth = asked.test.rows.histories("user_id"), asked.test.truth.target
    all_of = int(test.learn.lengths.sum())
    print(
        f"{1 - before.lengths.sum() / all_of:.1%} of {all_of:,} events are folded in; {len(told)} users are asked about.\n"
    )
    print("| family | shared of ten | at least | nDCG@10 lost | at most |\n|---|---|---|---|---|")
    for name in FAMILIES:
        old = fitted(name, asked, Rows(len(before), {"user_id": before}))
        found = folding.measured(old, fitted(name, asked, asked.taught[1]), told, truth)
        figures = (found.overlap, found.at_least, found.lost, found.at_most)
        print(f"| {name} | {' | '.join(f'{each:.3f}' for each in figures)} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data/movielens_small"))
    parser.add_argument("--share", type=float, default=0.05, help="of the events that the old model has not learned")
    words = parser.parse_args()
    main(words.data, words.share)
