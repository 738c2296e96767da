"""A run under way, on disk: what every trial reads, and what a run that was cut off has left."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from plimsoll import meter, streaming
from plimsoll.asked import Asked
from plimsoll.errors import UserError
from plimsoll.judge import BROKEN
from plimsoll.ledger import Ledger
from plimsoll.rows import Rows, Value
from plimsoll.run import Run
from plimsoll.runner import Outcome
from plimsoll.schema import Kind, Schema
from plimsoll.search import Search
from plimsoll.trial import Status
from plimsoll.workbench import OTHER, OTHER_TAUGHT, TAUGHT, fetch, store, store_collection, store_folds

_TIMED = 1_000  # requests that a model is timed with
_NUMBERS = 1_000_000  # of signals that are written down in all of them
_FEWEST = 8  # requests, however long
_NEWEST = 100  # events of a history that is brought along


def work(folder: Path) -> Path:
    """Where a run works; let go of when it has ended."""
    return folder / "work"


def ended(folder: Path) -> Run | None:
    """The run that lies here, if it has ended with a model."""
    if not (folder / "run.json").exists():
        return None
    run = Run.open(folder)
    return run if run.record.get("chosen") else None


def spent(folder: Path) -> float:
    """Seconds that a run which was cut off had spent when its last trial ended."""
    trials = Ledger(folder / "ledger.jsonl").trials()
    return max((trial.started + (trial.measured.middle("train") or 0.0) for trial in trials), default=0.0)


def begin(asked: Asked, folder: Path) -> Asked:
    """The same, with its rows laid out on disk: pages that the trials share and the system may let go.

    Raises UserError where the folder was begun with other rows or another job.
    """
    mark = work(folder) / "data.txt"
    if (folder / "ledger.jsonl").exists():
        if not mark.exists():
            raise UserError(f"{folder} has nothing left to go on with. Name another --out.")
        if mark.read_text() != asked.digest:
            raise UserError(f"{folder} was begun with other rows or another job. Name another --out.")
    else:
        work(folder).mkdir(parents=True, exist_ok=True)
        _lay_out(asked, work(folder))
        mark.write_text(asked.digest)
    rows, _ = fetch(work(folder) / "rows")
    taught = tuple(fetch(work(folder) / name)[0] for name in TAUGHT) if asked.taught else ()
    return replace(asked, learn=replace(asked.learn, rows=rows), taught=taught)


def _lay_out(asked: Asked, work: Path) -> None:
    """Puts on disk what every trial reads."""
    learn, laid = asked.learn, dict[int, Path]()  # sets of rows are stretches of the same events
    for name, rows in zip(TAUGHT, asked.taught, strict=False):
        store(work / name, rows, np.zeros(len(rows), dtype=np.int8), laid=laid)
    store(work / "rows", learn.rows, learn.truth.target, learn.truth.believed, laid)
    if asked.other is not None:
        other = asked.other.part
        store(work / OTHER, other.rows, other.truth.target, laid=laid)
        store(work / OTHER_TAUGHT, asked.other.taught, np.zeros(len(asked.other.taught), dtype=np.int8), laid=laid)
        if asked.collection is not None:
            store_collection(work / OTHER, asked.collection)
    store_folds(work / "folds.npz", asked.folds)
    if asked.collection is not None:
        store_collection(work / "rows", asked.collection)
    (work / "requests.jsonl").write_bytes(_requests(asked))


def _requests(asked: Asked) -> bytes:
    """What models are timed with, as JSON lines; where answers are lists, users by their ids, or what they did."""
    if asked.kept is None:
        return meter.requests(_asked(asked), asked.schema.names)
    assert asked.job.lists is not None
    users, collection = asked.learn.truth.users, asked.collection
    assert users is not None
    assert collection is not None
    pick = np.sort(np.random.default_rng(asked.job.seed).permutation(len(users))[:_TIMED])
    told = asked.learn.rows.histories(asked.job.lists.to)
    cells = (
        [collection.ids.value(item) for item in told.cell(row)[-_NEWEST:]]
        if asked.job.lists.forget
        else asked.kept.users.value(users[row])
        for row in pick.tolist()
    )
    return b"".join(msgspec.json.encode({asked.job.lists.to: cell}) + b"\n" for cell in cells)


def _asked(asked: Asked) -> list[tuple[Value, ...]]:
    """Rows that models are timed with; of a job that decodes, chunks of a stream, each of one stride."""
    rows, decode = asked.learn.rows, asked.job.decode
    if decode is not None:
        signals = rows.signals(asked.schema.of(Kind.SIGNAL)[0])
        stride = max(1, round(decode.stride * streaming.layout_heard(asked.job, asked.schema).rate))
        beside = rows.take(np.arange(1)).values(asked.schema)[0][1:]
        return [(chunk, *beside) for chunk in streaming.chunks(signals, stride, _TIMED)]
    pick = np.random.default_rng(asked.job.seed).permutation(len(rows))[: _many(rows, asked.schema)]
    return rows.take(np.sort(pick)).values(asked.schema)


def _many(rows: Rows, schema: Schema) -> int:
    """How many rows are asked about: of long recordings fewer, over and over, for a verdict needs as many answers all the same."""
    signals = [rows.signals(name) for name in schema.of(Kind.SIGNAL)]
    numbers = sum(float((each.ends - each.starts).sum()) * each.channels for each in signals) / max(1, len(rows))
    return int(max(_FEWEST, min(_TIMED, _NUMBERS / max(1.0, numbers))))


def take_up(search: Search) -> None:
    """Takes up the trials of a run that was cut off, with the answers that it left."""
    for trial, entry in search.ledger.told():
        search.settled[trial.id] = entry.get("settled", {})
        search.cpu += trial.measured.middle("cpu") or 0.0
        if trial.score is not None:
            try:
                search.judge.look(trial.id, Outcome(Status.FITS, search.folder / trial.id))
            except BROKEN as fault:
                trial = replace(trial, status=Status.FAILED, score=None, why=f"its answers are damaged: {fault}")
        first = search.asked.first
        search.folds[trial.id] = first
        search.walls[trial.id] = (trial.measured.middle("cpu") or 0.0) / first
        if parts := tuple(part for part in entry.get("parts", ()) if part in search.walls):
            search.parts[trial.id] = parts
            search.walls[trial.id] = sum(search.walls[part] for part in parts)
        search.trials.append(trial)
