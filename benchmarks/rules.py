"""Rules beside rules: 1, 10 and 100 of them on one event, and on a history of a million, against zen-engine and CEL.

    python benchmarks/rules.py [--rounds 7] [--peers DIR]

The rules are drawn by a seed over twelve fields and written in each language; every contender must give the same hits on
every event, or the run ends. Events are dictionaries, as a program has them; ours is also asked as the server asks it,
with the values in a tuple. Each round asks every contender in turn, in a process of its own, for the median of several
thousand events; figures are medians of the rounds, and a ratio is the median of each round's own.

Fair: peers' rules are compiled once, before the clock runs; each is asked for one rule after another, for that is what it
has, and zen-engine also for all of them as one list. Not fair: a history is what Polars is made for, and the peers have
no such thing: theirs is one event after another, on a part of the history, scaled up.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import os
import platform
import random
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
NEEDS = ("zen-engine==2.1.3", "common-expression-language==0.5.6")
COUNTS = (1, 10, 100)
NUMBERS = ("age", "reports", "links", "amount", "followers", "hourly")
TEXTS = {
    "lang": ("en", "de", "fr", "es"),
    "country": ("us", "de", "ru", "br", "in"),
    "device": ("ios", "android", "web"),
}
WORDS = ("free", "money", "hello", "winner", "meeting", "today", "click", "thanks")
EVENTS, HISTORY, PART = 4_000, 1_000_000, 20_000
Hits = list[int]
Rule = tuple[tuple[str, ...], ...]  # comparisons that must all hold


def drawn(count: int) -> list[Rule]:
    """So many rules of two or three comparisons each."""
    random_ = random.Random(7)
    return [tuple(_comparison(random_) for _ in range(random_.choice((2, 2, 3)))) for _ in range(count)]


def _comparison(random_: random.Random) -> tuple[str, ...]:
    what = random_.random()
    if what < 0.5:
        return (
            "number",
            random_.choice(NUMBERS),
            random_.choice(("<", ">=")),
            f"{random_.choice((5, 10, 20, 50, 80))}.0",
        )
    if what < 0.7:
        name = random_.choice(list(TEXTS))
        return ("in", name, *random_.sample(TEXTS[name], 2))
    if what < 0.85:
        return ("contains", "text", random_.choice(WORDS))
    return ("true", random_.choice(("verified", "paid")))


def written(rule: Rule, language: str) -> str:
    """A rule in a language."""
    joint = " && " if language == "cel" else " and "
    return joint.join(_written(each, language) for each in rule)


def _written(each: tuple[str, ...], language: str) -> str:
    match each[0]:
        case "number":
            return f"{each[1]} {each[2]} {each[3]}"
        case "in":
            return f"{each[1]} in [{', '.join(repr(value) for value in each[2:])}]"
        case "contains":
            return f"text.contains({each[2]!r})" if language == "cel" else f"contains(text, {each[2]!r})"
    return each[1]


def events(count: int) -> list[dict[str, Any]]:
    random_ = random.Random(11)
    return [
        {
            **{name: float(random_.randrange(100)) for name in NUMBERS},
            **{name: random_.choice(values) for name, values in TEXTS.items()},
            "text": " ".join(random_.choices(WORDS, k=12)),
            "verified": random_.random() < 0.5,
            "paid": random_.random() < 0.3,
        }
        for _ in range(count)
    ]


# The contenders: each gives a function from an event to the places of the rules that fire.


def _ours(rules: list[Rule]) -> Callable[[Any], Hits]:
    from plimsoll.policy.expression import truth
    from plimsoll.policy.online import compiled
    from plimsoll.policy.terms import Type, Words

    names = [*NUMBERS, *TEXTS, "text", "verified", "paid"]
    types = {**dict.fromkeys(NUMBERS, Type.NUMBER), **dict.fromkeys((*TEXTS, "text"), Type.TEXT)}
    words = Words({**types, "verified": Type.TRUTH, "paid": Type.TRUTH})
    return compiled([truth(written(rule, "plimsoll"), words, "rule") for rule in rules], names)


def tuple_of(event: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(event.values())


def _from_dict(rules: list[Rule]) -> Callable[[Any], Hits]:
    fires = _ours(rules)
    return lambda event: fires(tuple(event.values()))


def _zen(rules: list[Rule]) -> Callable[[Any], Hits]:
    import zen

    made = [zen.compile_expression(written(rule, "zen")) for rule in rules]
    return lambda event: [place for place, each in enumerate(made) if each.evaluate(event)]


def _zen_list(rules: list[Rule]) -> Callable[[Any], Hits]:
    import zen

    made = zen.compile_expression("[" + ", ".join(f"({written(rule, 'zen')})" for rule in rules) + "]")
    return lambda event: [place for place, fires in enumerate(made.evaluate(event)) if fires]


def _cel(rules: list[Rule]) -> Callable[[Any], Hits]:
    import cel

    made = [cel.compile(written(rule, "cel")) for rule in rules]
    return lambda event: [place for place, each in enumerate(made) if each.execute(event)]


CONTENDERS: dict[str, Callable[[list[Rule]], Callable[[Any], Hits]]] = {
    "plimsoll": _ours,
    "plimsoll, from a dictionary": _from_dict,
    "zen-engine": _zen,
    "zen-engine, one list": _zen_list,
    "CEL": _cel,
}
OURS = ("plimsoll", "plimsoll, from a dictionary")


def work(name: str, count: int) -> dict[str, Any]:
    """One contender in this process: microseconds an event, and a digest of all its hits."""
    fires, asked = CONTENDERS[name](drawn(count)), events(EVENTS)
    asked = [tuple_of(event) for event in asked] if name == "plimsoll" else asked
    hits = [fires(event) for event in asked]
    taken = []
    for start in range(0, EVENTS, 500):
        part = asked[start : start + 500]
        begun = time.perf_counter()
        for event in part:
            fires(event)
        taken.append((time.perf_counter() - begun) / len(part))
    return {
        "us": statistics.median(taken) * 1e6,
        "hits": sum(map(len, hits)),
        "digest": hashlib.sha256(json.dumps(hits).encode()).hexdigest(),
    }


def history(name: str, count: int) -> dict[str, Any]:
    """Seconds for a million events."""
    if name == "plimsoll":
        return _ours_on_history(count)
    fires, asked = CONTENDERS[name](drawn(count)), events(PART)
    begun = time.perf_counter()
    fired = sum(len(fires(event)) for event in asked)
    return {"s": (time.perf_counter() - begun) * HISTORY / PART, "share": fired / PART}


def _ours_on_history(count: int) -> dict[str, Any]:
    import numpy as np
    import polars as pl

    from plimsoll.policy.expression import truth
    from plimsoll.policy.past import Past, hits
    from plimsoll.policy.rules import Policy, Rule, words
    from plimsoll.schema import Kind

    kinds = {**dict.fromkeys(NUMBERS, Kind.NUMBER), **dict.fromkeys(TEXTS, Kind.CATEGORY), "text": Kind.TEXT}
    kinds |= {"verified": Kind.BOOLEAN, "paid": Kind.BOOLEAN}
    known = words(None, kinds)
    made = [(f"r{k}", written(rule, "plimsoll")) for k, rule in enumerate(drawn(count))]
    policy = Policy(
        "p", ("block", "allow"), tuple(Rule(name, truth(text, known, name), text, "block") for name, text in made)
    )
    part = pl.DataFrame(events(PART))
    cells = pl.concat([part] * (HISTORY // PART))
    past = Past(cells, cells, {name: name for name in cells.columns})
    begun = time.perf_counter()
    fired = hits(policy, past)
    took = time.perf_counter() - begun
    return {"s": took, "share": float(np.count_nonzero(fired[:PART])) / PART}


def peers(folder: Path) -> Path:
    """The Python of the peers; made where there is none."""
    python = folder / "bin" / "python"
    if not (folder / "needs.txt").exists() or (folder / "needs.txt").read_text() != "\n".join(NEEDS):
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *NEEDS], check=True)
        (folder / "needs.txt").write_text("\n".join(NEEDS))
    return python


def ask(python: Path, what: str, name: str, count: int) -> dict[str, Any]:
    done = subprocess.run(
        [python, __file__, "--work", what, name, str(count)], capture_output=True, text=True, check=False, timeout=600
    )
    if done.returncode:
        raise SystemExit(f"{name} cannot do it: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def compare(rounds: int, python: Path) -> dict[str, Any]:
    """Every contender in turn, round by round."""
    rows: dict[str, dict[str, Any]] = {}
    for count in COUNTS:
        times: dict[str, list[float]] = {name: [] for name in CONTENDERS}
        for turn in range(rounds):
            names = list(CONTENDERS)[turn % len(CONTENDERS) :] + list(CONTENDERS)[: turn % len(CONTENDERS)]
            found = {
                name: ask(Path(sys.executable) if name in OURS else python, "event", name, count) for name in names
            }
            if len({each["digest"] for each in found.values()}) != 1:
                raise SystemExit(
                    f"With {count} rules the contenders do not agree: { ({n: f['hits'] for n, f in found.items()}) }"
                )
            for name, each in found.items():
                times[name].append(each["us"])
        rows[str(count)] = {
            name: {
                "us": statistics.median(each),
                "times ours": statistics.median(t / o for t, o in zip(each, times["plimsoll"], strict=True)),
            }
            for name, each in times.items()
        }
        print(count, {name: round(each["us"], 2) for name, each in rows[str(count)].items()}, flush=True)
    long: dict[str, Any] = {}
    for name in ("plimsoll", "zen-engine", "CEL"):
        found_ = [ask(Path(sys.executable) if name in OURS else python, "history", name, 10) for _ in range(3)]
        long[name] = {"s": statistics.median(each["s"] for each in found_), "share": found_[0]["share"]}
        print("history", name, long[name], flush=True)
    if not math.isclose(long["plimsoll"]["share"], long["zen-engine"]["share"], rel_tol=1e-9):
        raise SystemExit("The histories do not agree.")
    return {"event": rows, "history": long}


def table(found: dict[str, Any]) -> str:
    lines = ["# Rules, side by side", "", f"{_machine(found)}; `python benchmarks/rules.py`.", ""]
    lines += [
        "| µs an event | " + " | ".join(f"{count} rules" for count in COUNTS) + " |",
        "|---|" + "---|" * len(COUNTS),
    ]
    for name in CONTENDERS:
        cells = [found["event"][str(count)][name] for count in COUNTS]
        lines.append(
            f"| {name} | " + " | ".join(f"{each['us']:.2f} ({each['times ours']:.1f} ×)" for each in cells) + " |"
        )
    lines += ["", "| a million events, 10 rules | s |", "|---|---|"]
    lines += [f"| {name} | {each['s']:.2f} |" for name, each in found["history"].items()]
    doc = (__doc__ or "").split("\n\n")
    return "\n".join([*lines, "", doc[2].replace("\n", " "), "", doc[3].replace("\n", " ")]) + "\n"


def _machine(found: dict[str, Any]) -> str:
    return f"{found['cores']} cores, {found['processor']}, Python {found['python']}, {found['when']}"


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--rounds", type=int, default=7)
    words.add_argument("--peers", type=Path, default=Path.home() / ".cache" / "plimsoll-bench" / "rules")
    words.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    given = words.parse_args()
    if given.work:
        what, name, count = given.work
        print(json.dumps((work if what == "event" else history)(name, int(count))))
        return
    from plimsoll import machine

    card = machine.card()
    found = {"processor": card["processor"], "cores": len(os.sched_getaffinity(0)), "python": platform.python_version()}
    found |= {"when": time.strftime("%Y-%m-%d"), "busy": machine.others_busy(1.0), "needs": list(NEEDS)}
    found |= compare(given.rounds, peers(given.peers))
    (HERE / "results" / "rules.json").write_text(json.dumps(found, indent=1) + "\n")
    (HERE / "results" / "rules.md").write_text(table(found))


if __name__ == "__main__":
    main()
