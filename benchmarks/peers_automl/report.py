"""The rows so far, as JSON that a part of a run adds to, and as a table for each set."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from peers_automl.sets import SETS
from peers_automl.systems import SYSTEMS

from plimsoll import machine, units

Row = dict[str, Any]
_METRICS = {"roc_auc": "AUC", "rmse": "RMSE", "macro_f1": "macro-F1"}
_HEAD = "| system | {metric} (95 %) | Plimsoll better by (95 %) | fit | p50 | p99 | artefact | PSS | RSS | first answer | what answers |\n|---|---|---|---|---|---|---|---|---|---|---|"
_FOREWORD = """\
Every system has the same training file, the same test file and the same limit on training.

- **Score**: of the test file's rows, with a bootstrap's interval over them. **Better by**: the same over pairs of answers; above 0, Plimsoll is the better one.
- **Fit**: wall time of the process that reads the training file, fits and saves, as its caller sees it. For Plimsoll that is `plimsoll fit … --limit "p99 < 1 ms, memory < 150 MB, train < … s"`.
- **p50, p99**: 1,000 one-row calls, after 50 to warm up, in a fresh process that loads the artefact. A peer gets a pandas frame of one row, made beforehand, and answers with `predict_proba` (AUC) or `predict`; AutoGluon is cloned for deployment and held in memory. Plimsoll gets a dictionary by `plimsoll.load(bundle).predict`; its other two doors stand under each table.
- **Artefact**: all that is on disk of it. **PSS, RSS**: of the serving process after those calls. **First answer**: from the start of that process.
- `row_id` and `id` only say which row it is: the peers are not given them, and Plimsoll sets them aside by itself. Columns named by `--ignore` are taken from all.
- What failed keeps its row, and counts as the constant model. "–": nothing to measure. †: other work took more than 15 % of the cores just before the fit, in the fit or in the serving. With several seeds, figures are medians.
- Only Plimsoll was told of limits on p99 and memory. It never chooses by test rows, but was built with scores of these four sets in view."""


def key(row: Row) -> tuple[Any, ...]:
    """Where a row belongs; a newer one with the same key takes its place."""
    sets, systems = list(SETS), list(SYSTEMS)
    return -row["train"], sets.index(row["set"]), systems.index(row["system"]), row["seed"]


def joined(rows: Iterable[Row], fresh: Row) -> list[Row]:
    return sorted([row for row in rows if key(row) != key(fresh)] + [fresh], key=key)


def opened(folder: Path) -> list[Row]:
    """The rows of earlier parts; those of another machine are not mixed with ours."""
    place = folder / "automl.json"
    if not place.exists():
        return []
    record = json.loads(place.read_text())
    here = machine.card()
    if any(record["machine"][name] != here[name] for name in ("processor", "cores", "platform", "python")):
        raise SystemExit(f"{place} was measured on another machine. Move it away, or name another folder: --out DIR.")
    return list(record["rows"])


def save(rows: Sequence[Row], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    record = {"machine": machine.card(), "rows": rows}
    (folder / "automl.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    (folder / "automl.md").write_text(page(rows))


def page(rows: Sequence[Row]) -> str:
    card, days = machine.card(), sorted({row["when"][:10] for row in rows})
    where = f"{card['cores']} cores of an {card['processor']}, {units.show(card['memory'], units.BYTES)}, {card['platform']}"
    what = [
        "# AutoML, side by side",
        f"{where}; {' to '.join(dict.fromkeys((days[0], days[-1])))}; `python benchmarks/automl.py`.",
        _FOREWORD,
    ]
    parts = dict.fromkeys((row["train"], row["set"]) for row in rows)
    tables = [table([row for row in rows if (row["train"], row["set"]) == part]) for part in parts]
    return "\n\n".join([*what, *tables, made(rows)]) + "\n"


def table(rows: Sequence[Row]) -> str:
    """All rows of one set under one limit on training."""
    first = rows[0]
    lines = [f"## {first['set']}, {first['train']:g} s to train", "", _HEAD.format(metric=_METRICS[first["metric"]])]
    for name in dict.fromkeys(row["system"] for row in rows):
        lines.append(line([row for row in rows if row["system"] == name]))
    return "\n".join([*lines, "", *doors(rows)]).rstrip()


def line(rows: Sequence[Row]) -> str:
    """One system on one set, over its seeds."""
    cells = [
        SYSTEMS[rows[0]["system"]].what + (" †" if any(map(disturbed, rows)) else ""),
        score(rows),
        gain(rows),
        shown(rows, lambda row: row["fit_s"], units.TIME),
        shown(rows, lambda row: first_door(row)["p50_ms"] / 1e3, units.TIME),
        shown(rows, lambda row: first_door(row)["p99_ms"] / 1e3, units.TIME),
        shown(rows, lambda row: row["size"], units.BYTES),
        shown(rows, lambda row: row["memory"].get("Pss"), units.BYTES),
        shown(rows, lambda row: row["memory"].get("Rss"), units.BYTES),
        shown(rows, lambda row: row["first_answer_s"], units.TIME),
        "; ".join(dict.fromkeys(row["model"] if row["status"] == "measured" else reason(row) for row in rows)),
    ]
    return f"| {' | '.join(cells)} |"


def disturbed(row: Row) -> bool:
    return any(
        (row.get(name) or 0.0) > machine.BUSY
        for name in ("busy_before_fit", "others_during_fit", "others_during_serve")
    )


def first_door(row: Row) -> dict[str, float]:
    found: dict[str, float] = next(iter(row["doors"].values()))
    return found


def reason(row: Row) -> str:
    text = row["reason"].replace("|", "/")
    return text if row["status"] == "not for it" else f"failed: {text}"


def shown(rows: Sequence[Row], figure: Callable[[Row], float | None], dimension: str) -> str:
    figures = [figure(row) for row in rows if row["status"] == "measured"]
    found = [value for value in figures if value is not None]
    return units.show(median(found), dimension) if found else "–"


def score(rows: Sequence[Row]) -> str:
    scored = [row for row in rows if "score" in row]
    if not scored:
        return "–"
    form = ",.0f" if scored[0]["metric"] == "rmse" else ".4f"
    value, low, high = (
        format(median(row[name] for row in scored), form) for name in ("score", "score_low", "score_high")
    )
    return f"{value} ({low}–{high})"


def gain(rows: Sequence[Row]) -> str:
    found = [row["ahead"] for row in rows if "ahead" in row]
    if not found:
        return "–"
    form = "+,.0f" if rows[0]["metric"] == "rmse" else "+.4f"
    return " to ".join(format(median(each[end] for each in found), form) for end in (0, 1))


def doors(rows: Sequence[Row]) -> list[str]:
    """What a row costs at Plimsoll's other doors, in milliseconds."""
    ours = [row for row in rows if "bytes_to_bytes" in row and row["status"] == "measured"]
    if not ours:
        return []
    ways = {
        "a dictionary (the table)": [row["doors"]["dictionary"] for row in ours],
        "the peers' one-row frame": [row["doors"]["frame"] for row in ours],
        "bytes to bytes, as its server answers (`run.json`)": [row["bytes_to_bytes"] for row in ours],
    }
    told = [
        f"{name} {' / '.join(median_time(each, share) for share in ('p50_ms', 'p99_ms'))}"
        for name, each in ways.items()
    ]
    return [f"Plimsoll's doors, p50 / p99: {'; '.join(told)}."]


def median_time(doors: Sequence[dict[str, float]], share: str) -> str:
    return units.show(median(door[share] for door in doors) / 1e3, units.TIME)


def made(rows: Sequence[Row]) -> str:
    """The versions that each system was measured with."""
    lines = []
    for row in rows:
        if "versions" in row:
            text = ", ".join(f"{name} {version}" for name, version in row["versions"].items())
            lines.append(f"- {SYSTEMS[row['system']].what}: {text}")
    return "\n".join(["## Versions", "", *dict.fromkeys(lines)])
