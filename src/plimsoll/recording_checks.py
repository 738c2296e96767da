"""What is wrong with recordings, in a handful of lines: which they are, what was found and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from plimsoll.takes import Take, gaps, paced

Array = NDArray[Any]
_SHOWN = 3  # recordings that a line names
_LOST = 0.01  # share of values that are no number from which on a recording is left out
_FULL = 0.02  # share of samples at an end of the range from which on a recording is saturated
_FAR = 2.5  # standard deviations that an end of the range is away from the mean, where samples are decimal
_SHORT = 0.1  # of the middle length
_OFF = 0.02  # by which a rate may be off
_MOST_STAMPS = 20_000_000
_AGREE = 0.9  # share of recordings from which on the others are odd ones
_ENOUGH = 10  # recordings from which on that is asked

# What a line says of recordings, and what to do about it.
LINES = {
    "lost": "cannot be read and are left out",
    "empty": "hold no samples and are left out",
    "corrupt": "are left out, for many of their values are no number",
    "broken": "hold values that are no number; the last good one stands for each",
    "cut": "end before their file says. What is there is used; check that the files are whole",
    "full": "are saturated: many samples lie at an end of the range. Lower the gain, or leave them out",
    "flat": "have channels that never change. Check the electrodes, or leave those recordings out",
    "short": "are far shorter than the others. Check that they are whole",
    "rate": "were taken at another rate than is stated, by their time stamps. Check --rate",
    "gaps": "have gaps or steps back in their time stamps. What is missing was not filled",
    "single": "have one label throughout, where others have several. Check that they were labelled",
    "unlabelled": "are left out, for their labels do not cover their samples",
}


@dataclass
class Look:
    """What is counted in one recording, part by part."""

    frames: int = 0
    odd: int = 0  # values that are no number
    least: Array | None = None  # (channels,)
    most: Array | None = None
    at_least: Array | None = None  # how many samples lie there
    at_most: Array | None = None
    total: Array | None = None
    squares: Array | None = None
    kinds: set[np.dtype[Any]] = field(default_factory=set)

    def add(self, part: Array) -> None:
        """Counts a part of shape (frames, channels)."""
        if not len(part):
            return
        self.frames += len(part)
        self.kinds.add(part.dtype)
        values = np.ascontiguousarray(part.T)  # along a channel, counting is several times as quick
        if part.dtype.kind == "f":
            good = np.isfinite(values)
            if not good.all():
                self.odd += int((~good).sum())
                values = np.where(good, values, 0)
        self._ends(values)
        wide = values.astype(np.float64)
        total, squares = wide.sum(axis=1), np.einsum("cf,cf->c", wide, wide)
        self.total = total if self.total is None else self.total + total
        self.squares = squares if self.squares is None else self.squares + squares

    def _ends(self, values: Array) -> None:
        least, most = values.min(axis=1), values.max(axis=1)
        low, high = ((values == end[:, None]).sum(axis=1) for end in (least, most))
        if self.least is None or self.most is None or self.at_least is None or self.at_most is None:
            self.least, self.most, self.at_least, self.at_most = least, most, low, high
            return
        self.at_least = np.where(least < self.least, low, self.at_least + np.where(least == self.least, low, 0))
        self.at_most = np.where(most > self.most, high, self.at_most + np.where(most == self.most, high, 0))
        self.least, self.most = np.minimum(self.least, least), np.maximum(self.most, most)

    @property
    def broken(self) -> float:
        """The share of values that are no number."""
        return self.odd / max(1, self.frames * (0 if self.least is None else len(self.least)))

    @property
    def corrupt(self) -> bool:
        return self.broken > _LOST

    def flat(self) -> list[int]:
        """The channels that never change; in a recording of one frame nothing can."""
        return (
            []
            if self.frames < 2 or self.least is None or self.most is None
            else np.flatnonzero(self.least == self.most).tolist()
        )

    def full(self) -> float:
        """The share of samples at an end of the range, in the channel where it is largest.

        The ends of whole numbers are those of their type; of decimal ones, the ends of what occurs, where they lie as
        far out as only a converter's ends do.
        """
        if (
            self.least is None
            or self.most is None
            or self.total is None
            or self.squares is None
            or self.at_least is None
            or self.at_most is None
            or self.frames < 2
        ):
            return 0.0
        mean = self.total / self.frames
        spread = np.sqrt(np.maximum(self.squares / self.frames - mean**2, 0.0))
        kind = next(iter(self.kinds))
        if kind.kind in "iu":
            low, high = self.least <= np.iinfo(kind).min, self.most >= np.iinfo(kind).max
        else:
            low, high = mean - self.least > _FAR * spread, self.most - mean > _FAR * spread
        found = np.where(low, self.at_least, 0) + np.where(high, self.at_most, 0)
        return float(np.where(self.least < self.most, found, 0).max() / self.frames)


@dataclass
class Findings:
    """Findings by kind: which recordings, each with what was found."""

    by: dict[str, list[str]] = field(default_factory=dict)

    def add(self, kind: str, name: str, detail: str = "") -> None:
        self.by.setdefault(kind, []).append(f"{name} ({detail})" if detail else name)

    def lines(self, total: int) -> list[str]:
        """One line a kind.

        >>> found = Findings()
        >>> found.add("flat", "a.wav", "channel 3")
        >>> found.lines(8)
        ['1 of 8 recordings have channels that never change. Check the electrodes, or leave those recordings out: a.wav (channel 3).']
        """
        return [
            f"{len(names):,} of {total:,} recordings {LINES[kind]}: {_named(names)}."
            for kind in LINES
            if (names := self.by.get(kind))
        ]


def _named(names: Sequence[str]) -> str:
    return ", ".join(name.rstrip(".") for name in names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")


def of_samples(found: Findings, name: str, look: Look, take: Take) -> None:
    """What the samples of one recording show."""
    if look.odd:
        found.add("broken", name, f"{100 * look.broken:.2g} %")
    if (share := look.full()) > _FULL:
        found.add("full", name, f"{100 * share:.0f} %")
    if channels := look.flat():
        found.add(
            "flat",
            name,
            ", ".join(take.layout.channels[k] for k in channels[:4]) + (", …" if len(channels) > 4 else ""),
        )
    if take.notes:
        found.add("cut", name)


def of_lengths(found: Findings, names: Sequence[str], lengths: Sequence[int]) -> None:
    """Those that are far shorter than most."""
    middle = float(np.median(lengths)) if lengths else 0.0
    for name, length in zip(names, lengths, strict=True):
        if length < _SHORT * middle:
            found.add("short", name, f"{length:,} frames")


def of_stamps(found: Findings, name: str, take: Take, rate: float) -> None:
    """Whether the times at which frames were taken go with the rate."""
    if take.stamps is None or take.samples.frames > _MOST_STAMPS:
        return
    stamps = take.stamps()
    if stamps.dtype.kind != "f":
        return  # whole numbers may be ticks of any kind
    told = paced(stamps)
    if told and abs(told / rate - 1.0) > _OFF:
        found.add("rate", name, f"{told:g} Hz, not {rate:g} Hz")
        return
    many, longest, back = gaps(stamps, rate)
    if many or back:
        found.add("gaps", name, f"{many:,} of up to {longest:g} s" if many else f"{back:,} steps back")


def of_labels(found: Findings, names: Sequence[str], seen: Sequence[Array]) -> None:
    """Recordings with one label throughout, where others have several; ``seen`` are the labels of each."""
    alone = sum(len(values) < 2 for values in seen)
    if alone > max(1, (1 - _AGREE) * len(seen)) or alone + 1 >= len(seen):
        return
    for name, values in zip(names, seen, strict=True):
        if len(values) == 1:
            found.add("single", name, f'"{values[0]}"')


def disagreeing(frame: pl.DataFrame, names: Sequence[str], seen: Sequence[Array], but: Sequence[str] = ()) -> list[str]:
    """A line for each column of the table that speaks of the labels, with the recordings whose track does not hold what it says."""
    texts = [{str(value) for value in values.tolist()} for values in seen]
    lines = []
    for column in frame.columns if len(texts) >= _ENOUGH else ():
        cells = frame[column]
        if column in but or cells.dtype.is_nested() or cells.n_unique() < 3:
            continue
        said = cells.cast(pl.String).to_list()
        against = [k for k, value in enumerate(said) if value is not None and value not in texts[k]]
        if against and len(against) <= (1 - _AGREE) * len(texts):
            shown = _named([f'{names[k]} ("{said[k]}")' for k in against])
            lines.append(
                f'{len(against):,} of {len(texts):,} recordings never have the label that the column "{column}" says: {shown}. Check both.'
            )
    return lines


def rates(told: Mapping[float, int], wanted: float) -> list[str]:
    """A line where recordings are not all of one rate; ``told`` counts them by it.

    >>> rates({8000.0: 2, 16000.0: 9}, 16000.0)
    ['2 of 11 recordings were taken at 8000 Hz and are brought to 16000 Hz, as --resample would.']
    """
    odd = {rate: many for rate, many in told.items() if rate != wanted}
    if not odd or len(told) == 1:
        return []
    shown = ", ".join(f"{rate:g}" for rate in sorted(odd)[:_SHOWN])
    return [
        f"{sum(odd.values()):,} of {sum(told.values()):,} recordings were taken at {shown} Hz and are brought to {wanted:g} Hz, as --resample would."
    ]
