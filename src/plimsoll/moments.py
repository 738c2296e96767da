"""Moments: a continuous signal as rows. Each is answered from the samples of its stream up to then, and from no later one.

A stream is what a decoder hears without a break: the recordings of one session, or one recording where a split may part
them. A row's cell of signals begins where its stream does and ends at its moment.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll import splits
from plimsoll.errors import DataError, JobError, nearest
from plimsoll.events import Timeline
from plimsoll.infer import PLACE
from plimsoll.job import Decode, Job, Split
from plimsoll.recordings import Recordings
from plimsoll.schema import Layout
from plimsoll.splits import Pair

Index = NDArray[np.intp]
BLOCK = "stretch of time"  # the column by which moments are parted at random: whole stretches, not single ones
WINDOW = "frames of a window"
MOMENT = "seconds"  # since the recording began
ONSET = "frame at which its label began"
BELIEVED = "whether its label has settled"
BLOCKS = 100_000  # that a recording may have: its number is that of a block over this
INNER = (BLOCK, WINDOW, ONSET, BELIEVED)
STRETCH = 5.0  # seconds of one
_LOOKED = (
    1.0  # seconds that a model may look through where the job names no bound: what is held out is kept so far apart
)


@dataclass(frozen=True)
class Moments:
    """``frame`` has a row a moment: the signal, the label, BLOCK, and the columns of its recording."""

    frame: pl.DataFrame
    warnings: tuple[str, ...] = ()


def of(recordings: Recordings, job: Job, labelled: bool = True) -> Moments:
    """The moments of recordings: one every stride, from the first full window on; without labels where none are needed.

    A moment of which the labels do not say what was true, since its stream began within ``delay`` of it, is left out.
    """
    asked = job.decode or Decode()
    layout, frame = recordings.layout, recordings.frame
    _check_columns(frame, asked)
    if labelled and job.predict not in recordings.tracks:
        raise JobError(
            f'--decode "{job.predict}" is not noted beside the samples. {nearest(job.predict, recordings.tracks)}'
        )
    stride, window = layout.frames(asked.stride), layout.frames(asked.window)
    begins, ends = recordings.begins, recordings.ends
    streams, late = _streams(frame, begins, ends, asked), round(asked.delay * layout.rate) if labelled else 0
    places = [np.arange(begin + window, end + 1, stride) for begin, end in zip(begins, ends, strict=True)]
    places = [each[each - 1 - late >= stream] for each, stream in zip(places, streams, strict=True)]
    counts = np.array([len(each) for each in places])
    if not counts.sum():
        raise DataError(
            f"No recording is as long as a window of {asked.window:g} s{_and_delay(late, window, asked)}. Give longer ones, or a shorter --window."
        )
    whose, when = np.repeat(np.arange(len(counts)), counts), np.concatenate(places)
    labels = _labels(recordings, job.predict, when - 1 - late, streams, asked) if labelled else []
    seconds = pl.Series(MOMENT, (when - begins[whose]) / layout.rate)
    cells = pl.DataFrame(dict(zip(PLACE, (streams[whose], when), strict=True))).to_struct(recordings.name)
    block = whose * BLOCKS + (when - begins[whose]) // layout.frames(STRETCH)
    kept = frame.drop(recordings.name, *([job.predict] if job.predict in frame.columns else []))[whose]
    seen = window if asked.within else max(window, layout.frames(_LOOKED))
    made = kept.with_columns(cells, *labels, seconds, pl.Series(BLOCK, block), pl.lit(seen).alias(WINDOW))
    short = int((counts == 0).sum())
    said = [f"{short:,} of {len(counts):,} recordings are shorter than a window and are left out."] if short else []
    return Moments(made, (*recordings.warnings, *said))


def _check_columns(frame: pl.DataFrame, asked: Decode) -> None:
    for flag, name in (("--person", asked.person), ("--session", asked.session)):
        if name and name not in frame.columns:
            raise JobError(f'{flag} "{name}" is not a column. {nearest(name, frame.columns)}')


def _and_delay(late: int, window: int, asked: Decode) -> str:
    return f", and as the labels' delay of {asked.delay:g} s" if late >= window else ""


def _labels(
    recordings: Recordings, name: str, noted: Index, streams: NDArray[np.int64], asked: Decode
) -> list[pl.Series]:
    """What was true at these frames, the frame at which it began to be, and whether that is long enough ago to be believed."""
    track, settle = recordings.tracks[name], round(asked.settle * recordings.layout.rate)
    changed = _since(track, streams)[noted]
    # What was true when a stream began may have been so for long: that is no change.
    believed = (noted - changed >= settle) | np.isin(changed, streams)
    onsets = _since(track, recordings.begins)[noted]
    return [pl.Series(name, track[noted]), pl.Series(ONSET, onsets), pl.Series(BELIEVED, believed)]


def _since(track: Index, begins: NDArray[np.int64]) -> NDArray[np.int64]:
    """The frame at which what a track says of each frame began, the last of ``begins`` at the earliest.

    >>> _since(np.array([0, 0, 7, 7, 7, 7]), np.array([0, 4])).tolist()
    [0, 0, 2, 2, 4, 4]
    """
    new = np.ones(len(track), dtype=bool)
    new[1:] = track[1:] != track[:-1]
    new[begins[begins < len(track)]] = True
    return np.asarray(np.maximum.accumulate(np.where(new, np.arange(len(track)), 0)), dtype=np.int64)


def _streams(
    frame: pl.DataFrame, begins: NDArray[np.int64], ends: NDArray[np.int64], asked: Decode
) -> NDArray[np.int64]:
    """Where the stream of each recording begins: with the first of its session that follow one another without a gap."""
    if not asked.session:
        return begins
    keys = frame.select([name for name in (asked.person, asked.session) if name]).rows()
    found = begins.copy()
    for k in range(1, len(keys)):
        if keys[k] == keys[k - 1] and begins[k] == ends[k - 1]:
            found[k] = found[k - 1]
    return found


def split(frame: pl.DataFrame, job: Job) -> Pair:
    """Row numbers (train, test) as ``job.split`` says, no window of one sharing a frame with one of the other."""
    return cut(splits.split(frame, replace(job, split=split_of(frame, job))), frame)


def folds(frame: pl.DataFrame, test: pl.DataFrame, job: Job, count: int) -> list[Pair]:
    """Folds of the training rows that part them as the test rows are parted from them."""
    asked = replace(job, split=split_of(frame, job, test))
    group = splits.groups(frame, asked)
    several = count if group is None else splits.parts(group, count)
    return [cut(pair, frame) for pair in splits.folds(frame, asked, several)]


def groups(frame: pl.DataFrame, test: pl.DataFrame, job: Job) -> NDArray[np.int64] | None:
    """The number of what folds keep whole, for each row: a person, a session, a stretch; None where they part by time."""
    return splits.groups(frame, replace(job, split=split_of(frame, job, test)))


def rungs(frame: pl.DataFrame, job: Job, count: int) -> dict[str, Pair]:
    """One fold of these rows for each rung of the ladder that can be climbed: at random (whole stretches), a new session, a
    new person. What a rung needs and the rows do not have leaves it out.
    """
    asked = job.decode
    assert asked is not None
    columns = {"random": (BLOCK,), "session": (asked.person, asked.session), "person": (asked.person,)}
    found = {}
    for name, named in columns.items():
        parted = replace(job, split=Split("group", tuple(column for column in named if column)))
        group = splits.groups(frame, parted) if named[-1] else None
        if group is not None and group.max(initial=0) > 0:
            pair = cut(splits.folds(frame, parted, splits.parts(group, count))[0], frame)
            if len(pair[0]):
                found[name] = pair
    return found


def cut(pair: Pair, frame: pl.DataFrame) -> Pair:
    """The pair without the rows to learn from whose window reaches into what is held out, or that it reaches into."""
    window, (streams, ends) = int(frame[WINDOW][0]), _places(frame)
    # Streams may lie side by side among the samples, and yet share none: they are moved a window apart.
    return apart(*pair, ends + np.unique(streams, return_inverse=True)[1] * window, window), pair[1]


def _places(frame: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where the stream of each moment begins, and where the moment is, in frames."""
    cells = next(cells for cells in frame if isinstance(cells.dtype, pl.Struct))
    begins, ends = (np.asarray(cells.struct.field(name).to_numpy(), dtype=np.int64) for name in PLACE)
    return begins, ends


def timeline(frame: pl.DataFrame, asked: Decode, layout: Layout, rest: int) -> Timeline:
    """When the moments of a frame were, for what is made of their order."""
    times = layout.frames(asked.window), layout.frames(asked.stride), round(asked.delay * layout.rate)
    return Timeline(*_places(frame), frame[ONSET].to_numpy().astype(np.int64), layout.rate, *times, rest)


def settled(job: Job) -> Job:
    """The job with a split by session or by person as one by the columns that say so. Raises JobError where there is none."""
    if job.split.how not in ("session", "person"):
        return job
    asked = job.decode
    if asked is None or not getattr(asked, job.split.how):
        raise JobError(
            f"--split {job.split.how} needs --decode, and --{job.split.how} COL to say whose recordings they are."
        )
    named = (asked.person, asked.session) if job.split.how == "session" else (asked.person,)
    return replace(job, split=Split("group", tuple(column for column in named if column)))


def split_of(frame: pl.DataFrame, job: Job, test: pl.DataFrame | None = None) -> Split:
    """By what moments are parted: those at random by whole stretches, and those whose column says where they go by what
    the test rows are new in: the person, else the session."""
    asked = job.decode
    assert asked is not None
    if job.split.how == "random":
        return Split("group", (BLOCK,))
    if job.split.how != "column" or test is None:
        return job.split
    for columns in ((asked.person,), (asked.person, asked.session)):
        named = tuple(name for name in columns if name)
        if named and not set(frame.select(named).unique().rows()) & set(test.select(named).unique().rows()):
            return Split("group", named)
    return Split("group", (BLOCK,))


def apart(learn: Index, held: Index, ends: NDArray[np.int64], window: int) -> Index:
    """Of the rows to learn from, those whose window shares no frame with that of a row held out.

    >>> apart(np.array([0, 1, 2]), np.array([3]), np.array([10, 20, 28, 30]), 5).tolist()
    [0, 1]
    """
    told = np.sort(ends[held])
    if not len(told):
        return learn
    at = ends[learn]
    place = np.searchsorted(told, at)
    after = told[np.minimum(place, len(told) - 1)] - at
    before = at - told[np.maximum(place - 1, 0)]
    kept: Index = learn[np.minimum(np.abs(after), np.abs(before)) >= window]
    return kept
