"""How far costs, and scores, can be told before training: predictions frozen to a file, then the trials they speak of.

    python benchmarks/cost_model.py [--do probe,tell,train] [--part 1/2 --core 0] [--seconds 20]
    python benchmarks/cost_model.py --table

For each data set of benchmarks/prior.py the model learns from the committed trials of all the *other* sets. Settings that
the prior never ran are drawn; each is probed on as few rows as `plimsoll plan` probes on (400, 1,600 and 6,400, where that
is not most of them); then, before any of them is trained on all rows, what it will cost is written to
results/cost_model_told.jsonl: of the candidate alone, with the recipe's default having been probed, and with its own
probes. Only then are they trained and metered: results/cost_model_came.jsonl. The table
says how far off it was. Shared machines have spells in which they need nearly twice the time for anything: a short fit
that met one is run again, and times are reckoned at the core's best pace (see plimsoll.pace). As the clock said them they
stand in the table too. About 40 minutes on one core, the other idle; what is there is not run again.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import time
import zlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pack_prior
import prior

from plimsoll import asked, catalogue, curves, preview
from plimsoll.carry import LEVELS
from plimsoll.cases import COSTS, Candidate, Case, Known
from plimsoll.costs import Costs, learn
from plimsoll.curves import Point
from plimsoll.job import Job
from plimsoll.knobs import Knobs
from plimsoll.metrics import METRICS
from plimsoll.profile import Profile
from plimsoll.runner import Workbench

RESULTS = Path(__file__).parent / "results"
PROBED, TOLD, CAME = (RESULTS / f"cost_model_{name}.jsonl" for name in ("probed", "told", "came"))
TABLE = RESULTS / "cost_model.md"
SEED = 1  # of the settings, which the prior draws with 0
DRAWN = {"trees": 5, "linear": 4, "text_ngrams": 3, "constant": 1}
Entry = dict[str, Any]


def settings(source: str, recipe: str) -> list[Knobs]:
    """Settings that the prior never ran on this set; a recipe without knobs has one."""
    space = catalogue.find(recipe).space
    ran = prior.settings(source, recipe)
    if not space.options:
        return list(ran)
    drawn = list(space.settings(zlib.crc32(f"{source} {recipe} {SEED}".encode()), 1 + len(space.portfolio) + 40))
    fresh = [knobs for knobs in drawn[1 + len(space.portfolio) :] if knobs not in ran]
    return fresh[: DRAWN[recipe]]


def read(path: Path) -> list[Entry]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def write(path: Path, entry: Entry) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(entry) + "\n")


def trials(source: prior.Source, bench: Workbench, seconds: float, full: bool, done: set[str]) -> Iterator[Entry]:
    """The trials of a set that are not done: the probes, or those on all rows."""
    found = asked.ask(Job(source.target, ignore=source.ignored), source.data, None)
    whole = list(prior.parts(found))[-1]
    for part in [whole] if full else [prior.drawn(found, size) for size in preview.sizes(len(whole))]:
        with TemporaryDirectory() as scratch:
            unseen = prior.lay_out(found, part, Path(scratch))
            for name in catalogue.names():
                if catalogue.find(name).refuse(found.job, found.schema) is not None:
                    continue
                defaults = (
                    [catalogue.find(name).space.default] if not full and catalogue.find(name).space.options else []
                )
                for knobs in [*defaults, *settings(source.name, name)]:
                    known = prior.known(found, part, name, knobs)
                    entry = {"set": source.name, "synthetic": source.synthetic, **known}
                    if prior.key(entry) not in done:
                        yield prior.trial(found, entry, unseen, Path(scratch), bench, seconds, full)


def wanted(source: prior.Source) -> Iterator[Entry]:
    """What is to be foretold of a set."""
    found = asked.ask(Job(source.target, ignore=source.ignored), source.data, None)
    part = list(prior.parts(found))[-1]
    for name in catalogue.names():
        if catalogue.find(name).refuse(found.job, found.schema) is None:
            for knobs in settings(source.name, name):
                yield {"set": source.name, "synthetic": source.synthetic, **prior.known(found, part, name, knobs)}


@cache
def best() -> float:
    """Seconds of the sum at the best pace of the machine that the prior ran on."""
    return pack_prior.best_pace(read(prior.RESULTS))


def cases(entries: Sequence[Entry]) -> list[Case]:
    return [made for entry in entries if "set" in entry and (made := pack_prior.case(entry, best())) is not None]


def candidate(entry: Entry, probes: Sequence[Case], level: str) -> Candidate:
    known = Known(entry["recipe"], entry["knobs"], Profile(**entry["profile"]))
    own = [each for each in probes if each.known.recipe == known.recipe and not each.over]
    default = catalogue.find(known.recipe).space.default
    same = tuple(each for each in own if each.known.knobs == known.knobs)
    plain = tuple(each for each in own if each.known.knobs == default)
    return Candidate(known, same if level == "probed" else (), plain if level != "alone" else ())


def foretold(entry: Entry, costs: Costs, probes: Sequence[Case], unseen: int) -> Entry:
    """The prediction of one fit, at every level; the probes were scored on so many unseen rows."""
    asked_of = [candidate(entry, probes, level) for level in LEVELS]
    told = {level: dict(found.figures) for level, found in zip(LEVELS, costs.predict(asked_of), strict=True)}
    return {**entry, "told": told, "score": score(entry, asked_of[-1].probes, unseen), "at": time.time()}


def score(entry: Entry, probes: Sequence[Case], unseen: int) -> list[float] | None:
    """(low, middle, high) of the score on all rows, by the curve through the probes, each with its sampling error."""
    better = METRICS[metric(entry)].higher_is_better
    points = []
    for each in probes:
        if "score" in each.figures:
            loss = 1.0 - each.figures["score"] if better else each.figures["score"]
            points.append(Point(each.known.profile.rows, loss, error(loss, unseen, better)))
    if not points:
        return None
    told = curves.fit(points).at(entry["profile"]["rows"])
    return sorted(1.0 - part if better else part for part in told)


def error(loss: float, unseen: int, share: bool) -> float:
    """About the standard error of a loss on so many rows: a share's, or an RMSE's."""
    if not share:
        return loss / math.sqrt(2.0 * unseen)
    loss = min(max(loss, 1.0 / unseen), 1.0 - 1.0 / unseen)
    return math.sqrt(loss * (1.0 - loss) / unseen)


def metric(entry: Entry) -> str:
    return {"binary": "roc_auc", "multiclass": "macro_f1", "regression": "rmse"}[entry["task"]]


def collect(given: argparse.Namespace) -> None:
    part, of = map(int, given.part.split("/"))
    sources = [each for k, each in enumerate(prior.sources(prior.SHARED)) if k % of == part - 1 and not each.synthetic]
    learned = cases(read(prior.RESULTS))
    os.sched_setaffinity(0, {given.core})
    bench = Workbench()
    for source in sources if "probe" in given.do else ():
        for entry in trials(source, bench, given.seconds, False, {prior.key(each) for each in read(PROBED)}):
            write(PROBED, entry)
            print(f"probed   {entry['set']:<22} {entry['recipe']:<12} {entry['wall']:7.2f} s", flush=True)
    for source in sources if "tell" in given.do else ():
        if source.name not in {each["set"] for each in read(TOLD)}:
            costs = learn([each for each in learned if each.group != source.name])
            probed = [each for each in read(PROBED) if each["set"] == source.name]
            unseen = max((each["unseen"] for each in probed), default=1)
            for entry in wanted(source):
                write(TOLD, foretold(entry, costs, cases(probed), unseen))
            print(f"told     {source.name}", flush=True)
    for source in sources if "train" in given.do else ():
        for entry in trials(source, bench, given.seconds, True, {prior.key(each) for each in read(CAME)}):
            write(CAME, {**entry, "at": time.time()})
            print(f"trained  {entry['set']:<22} {entry['recipe']:<12} {entry['wall']:7.2f} s", flush=True)
    bench.stop()


# The table.


def pairs(level: str, name: str, clocked: bool = False) -> list[tuple[Entry, tuple[float, float, float], float]]:
    """(fit, what was told, what came) of every fit that has both: at the core's best pace, or as the clock said."""
    came = {prior.key(each): each for each in read(CAME)}
    found = []
    for told in read(TOLD):
        after = came.get(prior.key(told))
        ended = after and after["status"] == "fits" and not after["cut"] and after.get(name)
        # Of a recipe without knobs there is no default apart from the candidate: nothing is told at that level.
        if ended and name in told["told"][level] and told["told"][level][name][0] > 0:
            figure = float(after[name]) if clocked else pack_prior.at_best(after, name, best())
            found.append((after, tuple(told["told"][level][name]), figure))
    return found


def row(label: str, found: Sequence[tuple[Entry, tuple[float, float, float], float]]) -> str:
    off = [abs(math.log(came / told[1])) for _, told, came in found]
    inside = [told[0] <= came <= told[2] for _, told, came in found]
    by = {recipe: [k for k, (e, _, _) in enumerate(found) if e["recipe"] == recipe] for recipe in DRAWN}
    shares = {recipe: statistics.mean(inside[k] for k in places) for recipe, places in by.items() if len(places) >= 10}
    worst = min(shares, key=lambda recipe: shares[recipe])
    width = statistics.median(math.sqrt(told[2] / told[0]) for _, told, _ in found)
    middle, far = math.expm1(statistics.median(off)), math.exp(float(np.quantile(off, 0.9)))
    return (
        f"| {label} | {len(found)} | {100 * middle:.1f} % | {far:.2f} | {100 * statistics.mean(inside):.0f} % "
        f"| {100 * shares[worst]:.0f} % ({worst}) | {width:.2f} |"
    )


def families(level: str, name: str) -> str:
    found = pairs(level, name)
    told = []
    for recipe in DRAWN:
        off = [abs(math.log(came / each[1])) for entry, each, came in found if entry["recipe"] == recipe]
        told.append(f"{100 * math.expm1(statistics.median(off)):.1f} %" if off else "")
    return f"| {name}, {level} | {' | '.join(told)} |"


def ruling(name: str, level: str) -> str:
    """At the median of all fits as the limit: what is caught, what is lost, and the training time that is saved."""
    found = pairs(level, name)
    limit = statistics.median(came for _, _, came in found)
    out = [told[0] > limit for _, told, _ in found]
    cannot = [came > limit for _, _, came in found]
    spent = [entry["cpu"] for entry, _, _ in found]
    caught = sum(a and b for a, b in zip(out, cannot, strict=True)) / max(1, sum(cannot))
    lost = sum(a and not b for a, b in zip(out, cannot, strict=True)) / max(1, len(cannot) - sum(cannot))
    saved = sum(cpu for cpu, ruled in zip(spent, out, strict=True) if ruled) / sum(spent)
    return f"| {name}, {level} | {100 * caught:.0f} % | {100 * lost:.1f} % | {100 * saved:.0f} % |"


def quality() -> str:
    """How far off the curve through two or three probes was; of an RMSE, as a share of the constant's."""
    came = {prior.key(each): each for each in read(CAME)}
    floor = {each["set"]: each["score"] for each in came.values() if each["recipe"] == "constant" and "score" in each}
    off, inside, afterwards = [], [], []
    probes = cases(read(PROBED))
    for told in read(TOLD):
        after = came.get(prior.key(told))
        if told["recipe"] == "constant" or not told["score"] or not after or after.get("score") is None:
            continue
        if len(preview.sizes(told["profile"]["rows"])) < 2:
            continue  # one point says nothing of what comes after it
        unit = floor[told["set"]] if told["task"] == "regression" else 1.0
        off.append(abs(after["score"] - told["score"][1]) / unit)
        inside.append(told["score"][0] <= after["score"] <= told["score"][2])
        own = candidate(told, [each for each in probes if each.group == told["set"]], "probed").probes
        again = score(told, own, after["unseen"])
        afterwards.append(again is not None and again[0] <= after["score"] <= again[2])
    return (
        f"{len(off)} fits: median error {statistics.median(off):.4f}, nine in ten within {np.quantile(off, 0.9):.3f}; "
        f"{100 * statistics.mean(inside):.0f} % inside the 90 % interval as it was told, and {100 * statistics.mean(afterwards):.0f} % "
        "where each probe's score comes with its sampling error, as in a run (reckoned again from the same probes)."
    )


def speed() -> str:
    """How long a thousand candidates take, the best of five."""
    costs = learn(cases(read(prior.RESULTS)))
    asked_of = [candidate(entry, (), "alone") for entry in (read(TOLD) * 1_000)[:1_000]]
    taken = []
    for _ in range(5):
        begun = time.perf_counter()
        costs.predict(asked_of)
        taken.append(time.perf_counter() - begun)
    return f"1,000 candidates in {min(taken):.2f} s."


def table() -> str:
    told, came = read(TOLD), read(CAME)
    late, first = max(each["at"] for each in told), min(each["at"] - each["wall"] for each in came)
    frozen = (
        "before the first of these fits began" if late < first else "some of them after the first fits of other sets"
    )
    card = next(each["card"] for each in read(prior.RESULTS) if "card" in each)
    lines = [
        "# Costs told before training",
        "",
        f"{len(came)} fits on {len({each['set'] for each in came})} real data sets, each foretold by a model that had learned from "
        f"the other sets alone; the last prediction was written {time.strftime('%Y-%m-%d %H:%M', time.gmtime(late))} UTC, {frozen}. "
        "`alone`: nothing was run on the data set; `default`: the recipe's default was probed on 400, 1,600 and 6,400 "
        "rows, as far as these are under 60 % of all; `probed`: the candidate itself was. Times are at the best pace of the core: a short sum beside "
        f"each fit took {spells()} "
        f"{card['facts']['processor']}, {card['facts']['cores']} cores, one of them for each fit.",
        "",
        "| figure | fits | median error | 9 in 10 within a factor | inside the 90 % interval | worst family | interval, ± factor |",
        "|---|---|---|---|---|---|---|",
        *(row(f"{name}, {level}", pairs(level, name)) for name in COSTS for level in LEVELS),
        *(
            row(f"{name}, {level}, by the clock", pairs(level, name, True))
            for name in ("cpu", "p50")
            for level in LEVELS
        ),
        "",
        "Median error by recipe:",
        "",
        f"| figure | {' | '.join(DRAWN)} |",
        f"|---|{'---|' * len(DRAWN)}",
        *(families(level, name) for name in COSTS for level in LEVELS),
        "",
        "Ruling out at the median of all fits as the limit:",
        "",
        "| limit on | cannot keep it, and caught | could keep it, and lost | training time saved |",
        "|---|---|---|---|",
        *(ruling(name, level) for name in COSTS for level in LEVELS),
        "",
        f"Score on all rows from two or three probes: {quality()}",
        "",
        speed(),
    ]
    return "\n".join(lines) + "\n"


def spells() -> str:
    slow = sorted(each["paces"]["cpu"] / best() for each in read(CAME) if each["paces"])
    return f"{slow[len(slow) // 2]:.2f} times as long as at its best in the median, {slow[int(0.9 * len(slow))]:.2f} times or more in one of ten."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--do", default="probe,tell,train", help="which of the three (all)")
    parser.add_argument("--part", default="1/1", help="of the data sets: 1/2 and 2/2 run side by side (1/1)")
    parser.add_argument("--core", type=int, default=(os.cpu_count() or 1) - 1, help="that this part runs on (the last)")
    parser.add_argument("--seconds", type=float, default=20.0, help="that a fit may take (20)")
    parser.add_argument("--table", action="store_true", help="only write the table again")
    given = parser.parse_args()
    if not given.table:
        collect(given)
    if not CAME.exists():
        return
    TABLE.write_text(table())
    print(TABLE.read_text())


if __name__ == "__main__":
    main()
