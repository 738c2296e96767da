"""What a net learns from, some at a time: windows that end at moments, or stretches of streams with many moments each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.rows import Signals

Array = NDArray[Any]
WINDOWS = 16_384  # drawn in an epoch, at most: neighbours share most of their frames, so that few of them say it all
SECONDS = (2.0, 2.5, 3.0)  # of a stretch: too short to learn a protocol that changes every five
WATCHED = 4_096  # windows that early stopping looks at
LEAST = 200  # moments to learn from
_HELD = 1 << 22  # numbers of a page
_MOMENTS = 16  # that a stretch counts for: one in three of those that it has, for neighbours say the same


@dataclass(frozen=True)
class Page:
    """What is drawn at once, of which batches are parts: ``frames`` float32, shape (page, frames, channels); ``rows`` shape
    (page, steps): of which row the label is that the net's answer at each step is held against, -1 where none is."""

    frames: Any
    rows: NDArray[np.int64]


def pages(rows: Array, size: int, numbers: int) -> Iterator[Array]:
    """Rows in parts of as many batches as can be held at once, where one row is so many numbers."""
    whole = max(1, _HELD // max(1, numbers * size)) * size
    for place in range(0, len(rows), whole):
        yield rows[place : place + whole]


@dataclass(frozen=True)
class Samples:
    """Samples on the device on which a net learns; on the CPU they stay where they are, mapped from a file or not."""

    held: Any  # an array, or a tensor on a CUDA device

    @staticmethod
    def of(samples: Array, device: str) -> Samples:
        """A copy on the device where it is another and has room for them."""
        import torch

        if device == "cpu" or samples.nbytes > torch.cuda.mem_get_info()[0] // 2:
            return Samples(samples)
        return Samples(torch.from_numpy(np.array(samples)).to(device))

    def ending(self, starts: Array, ends: Array, frames: int, device: str) -> Any:
        """The frames before each end, float32, shape (ends, frames, channels), as ``Signals.last`` gives them."""
        import torch

        if isinstance(self.held, np.ndarray):
            last = Signals(self.held, starts, ends).last(frames).astype(np.float32)
            return torch.from_numpy(np.nan_to_num(last, copy=False)).to(device)
        first, last = (torch.from_numpy(each).to(device) for each in (starts, ends))
        place = last[:, None] - frames + torch.arange(frames, device=device)
        place = torch.minimum(torch.maximum(place, first[:, None]), torch.tensor(len(self.held) - 1, device=device))
        return torch.nan_to_num(self.held[place].float()) * (last > first)[:, None, None]


def weights(target: Array, balance: float) -> NDArray[np.float64]:
    """How likely each row is drawn: 0 as they come, 1 every class alike, shape (rows,), summing to one.

    >>> weights(np.array([0, 0, 0, 1]), 1.0).round(2).tolist()
    [0.17, 0.17, 0.17, 0.5]
    """
    share = np.bincount(target)[target].astype(np.float64) ** -balance
    return np.asarray(share / share.sum())


def prior(target: Array, share: Array, classes: int) -> NDArray[np.float64]:
    """How much oftener each class is than it is drawn with these shares, in logs, shape (classes,); 0 where it never is.

    >>> target = np.array([0, 0, 0, 1])
    >>> prior(target, weights(target, 1.0), 3).round(2).tolist()
    [0.41, -0.69, 0.0]
    """
    true = np.bincount(target, minlength=classes) / max(1, len(target))
    drawn = np.bincount(target, weights=share, minlength=classes)
    return np.log(np.where(true > 0, true, 1.0)) - np.log(np.where(true > 0, drawn, 1.0))


@dataclass(frozen=True)
class Windows:
    """The last ``reach`` frames before each moment."""

    samples: Samples
    signals: Signals
    reach: int
    device: str
    size: int  # of a batch

    def drawn(self, share: Array, random: np.random.Generator) -> Iterator[Page]:
        """The pages of one epoch: rows drawn with these shares."""
        yield from self._paged(random.choice(len(share), min(len(share), WINDOWS), p=share))

    def watched(self) -> Iterator[Page]:
        """Pages for early stopping, the same every time."""
        count = min(len(self.signals), WATCHED)
        yield from self._paged(np.linspace(0, len(self.signals) - 1, count).astype(np.int64))

    @property
    def many(self) -> int:
        """Batches of an epoch."""
        return -(-min(len(self.signals), WINDOWS) // self.size)

    def _paged(self, picked: Array) -> Iterator[Page]:
        for rows in pages(picked, self.size, self.reach * self.signals.channels):
            starts, ends = self.signals.starts[rows], self.signals.ends[rows]
            yield Page(self.samples.ending(starts, ends, self.reach, self.device), rows[:, None])


@dataclass(frozen=True)
class Stretches:
    """Stretches of streams that end at moments, for a net that takes ``hop`` frames a step and begins without a memory.

    A step is held against the first moment that its answer stands for: those up to the next step. The first ``settle``
    frames of a stretch are heard and not answered. ``order`` are the rows by their end, which ``ends`` are.
    """

    samples: Samples
    signals: Signals
    order: NDArray[np.int64]
    ends: NDArray[np.int64]
    hop: int
    lengths: tuple[int, ...]  # frames of a stretch, each a multiple of hop
    settle: int
    device: str
    size: int

    @staticmethod
    def of(samples: Samples, signals: Signals, hop: int, rate: float, settle: int, device: str, size: int) -> Stretches:
        """Those of some rows; where streams are shorter than a stretch, the stretches are as long as the longest stream."""
        order = np.argsort(signals.ends, kind="stable")
        longest = max(hop, int((signals.ends - signals.starts).max(initial=0)) // hop * hop)
        lengths = tuple(min(longest, max(1, round(seconds * rate / hop)) * hop) for seconds in SECONDS)
        early = min(settle, lengths[0] // 2)
        return Stretches(samples, signals, order, signals.ends[order], hop, lengths, early, device, size)

    @property
    def many(self) -> int:
        """Batches of an epoch."""
        return -(-min(WINDOWS, len(self.signals)) // (_MOMENTS * self.size))

    def drawn(self, share: Array, random: np.random.Generator) -> Iterator[Page]:
        """The pages of one epoch, all of one length: rows at which stretches end, drawn with these shares."""
        frames = int(random.choice(self.lengths))
        whole = share * (self.signals.ends - self.signals.starts >= frames)
        fair = whole / whole.sum() if whole.sum() > 0 else share
        yield from self._paged(random.choice(len(share), self.many * self.size, p=fair), frames)

    def watched(self) -> Iterator[Page]:
        """Pages for early stopping, the same every time."""
        count = min(len(self.signals), WATCHED // _MOMENTS)
        yield from self._paged(np.linspace(0, len(self.signals) - 1, count).astype(np.int64), self.lengths[-1])

    def _paged(self, picked: Array, frames: int) -> Iterator[Page]:
        for rows in pages(picked, self.size, frames * self.signals.channels):
            yield self.page(rows, self.signals.starts[rows], frames)

    def page(self, rows: NDArray[np.int64], starts: NDArray[np.int64], frames: int) -> Page:
        """Stretches of so many frames that end at rows, of which nothing is heard from before ``starts``."""
        ends = self.signals.ends[rows]
        steps = np.arange(self.hop, frames + 1, self.hop)
        heard = ends[:, None] - frames + steps  # up to where a step has heard
        place = np.minimum(np.searchsorted(self.ends, heard), len(self.ends) - 1)
        due = (self.ends[place] >= heard) & (self.ends[place] < heard + self.hop)
        due &= (heard >= starts[:, None] + self.hop) & (steps > self.settle)
        found = np.where(due, self.order[place], -1)
        found[:, -1] = rows  # the moment at which the stretch ends is answered, however short it is
        return Page(self.samples.ending(starts, ends, frames, self.device), found)
