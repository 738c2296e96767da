"""What a net of sequences learns from: stretches that begin and end where nothing is under way, and the loss of what is said in them.

Connectionist temporal classification (Graves and others 2006): the chance of the sequence, over all the ways in which the
moments could be read as it. One class, the blank, says that nothing new begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.net_lessons import WATCHED, WINDOWS, Page, Stretches, pages

Array = NDArray[Any]
_SYMBOLS = 6.0  # that a stretch holds, about
_LEAST, _LONGEST = 3.0, 12.0  # seconds of a stretch
_LENGTHS = (0.7, 1.0, 1.3)  # times as long
_BATCHES = 24  # of an epoch, at least: such a net is silent for its first hundreds
_LED = 0.5  # share of training in which one way of reading leads ever less
_SHARE = 3  # one moment in so many of a stretch counts, for neighbours say the same


def symbols(labels: Array, blank: int) -> list[int]:
    """The runs of labels other than the blank.

    >>> symbols(np.array([0, 2, 2, 0, 2, 1, 1, 0]), blank=0)
    [2, 2, 1]
    """
    fresh = np.r_[True, labels[1:] != labels[:-1]][: len(labels)] & (labels != blank)
    return [int(label) for label in labels[fresh]]


def led(progress: float) -> float:
    """How much the labels of moments lead, by how far training has come.

    >>> led(0.0), led(0.25), led(0.8)
    (1.0, 0.5, 0.0)
    """
    return max(0.0, 1.0 - progress / _LED)


def lack(scores: Any, truth: Any, due: NDArray[np.bool_], blank: int, lead: float = 0.0) -> Any:
    """The mean over stretches of the loss for each symbol of theirs.

    ``scores`` have shape (stretches, steps, classes), ``truth`` the label of each step, and ``due`` says which of them stand
    for a moment: those are the moments that are read, here as where the net answers. A ``lead`` is the share that the one way
    of reading has which the labels are, moment by moment: its loss is never less than that of all ways. Of a symbol that lasts,
    a net may otherwise learn to say a tenth at each of ten moments, where every small step is a loss, and is silent.
    """
    import torch

    labels, counts = truth.cpu().numpy(), due.sum(axis=1)
    told = [symbols(labels[k, due[k]], blank) for k in range(len(due))]
    order = torch.from_numpy(np.argsort(~due, axis=1, kind="stable")[:, : int(counts.max())]).to(scores.device)
    read = torch.gather(scores, 1, order[:, :, None].expand(-1, -1, scores.shape[2])).log_softmax(2)
    sizes = torch.tensor([len(each) for each in told])
    target = torch.tensor([symbol for each in told for symbol in each], dtype=torch.int64, device=scores.device)
    loss = torch.nn.functional.ctc_loss(
        read.transpose(0, 1), target, torch.from_numpy(counts), sizes, blank, reduction="none", zero_infinity=True
    )
    if lead > 0.0:
        way = torch.gather(read, 2, torch.gather(truth, 1, order)[:, :, None])[:, :, 0]
        known = torch.arange(way.shape[1]) < torch.from_numpy(counts)[:, None]
        loss = (1.0 - lead) * loss - lead * (way * known.to(way.device)).sum(1)
    return (loss / sizes.clamp(min=1).to(loss.device)).mean()


@dataclass(frozen=True)
class Sentences:
    """Stretches of streams in which every symbol is whole: each begins and ends at rest, or where a label changes, and no
    moment of it is missing. ``order`` are the rows stream by stream, at times ``when`` (frames; streams, and what stands
    between gaps, far apart); ``ends`` are the places in that order at which a stretch may end, and ``begins`` for each place
    the first at or after it at which one may begin.
    """

    stretches: Stretches
    order: NDArray[np.int64]
    when: NDArray[np.int64]
    ends: NDArray[np.intp]
    begins: NDArray[np.intp]
    lengths: tuple[int, ...]  # frames of a stretch, each a multiple of the frames of a step
    moments: int  # of a stretch, about

    @staticmethod
    def of(stretches: Stretches, target: Array, blank: int, gap: int, rate: float) -> Sentences:
        """Those of the rows of ``stretches`` with these classes; moments more than ``gap`` frames apart are not neighbours."""
        signals, hop = stretches.signals, stretches.hop
        order = np.lexsort((signals.ends, signals.starts))
        labels, begins, heard = target[order], signals.starts[order], signals.ends[order]
        parted = np.r_[True, (np.diff(begins) != 0) | (np.diff(heard) > gap)]
        fresh = np.r_[True, labels[1:] != labels[:-1]]
        rest = labels == blank
        first = rest | (fresh & ~parted)
        last = rest | (np.r_[fresh[1:], False] & ~np.r_[parted[1:], True])
        far = int(_LONGEST * max(_LENGTHS) * rate) + hop + gap
        steps = np.where(parted, far, np.diff(heard, prepend=heard[:1]))
        when = np.cumsum(steps)
        places = np.where(first, np.arange(len(order)), len(order))
        following = np.minimum.accumulate(places[::-1])[::-1]
        many = int(((fresh | parted) & ~rest).sum())
        seconds = (int(steps[~parted].sum()) + hop) / rate / max(1, many)
        length = min(_LONGEST, max(_LEAST, _SYMBOLS * seconds))
        lengths = tuple(max(1, round(length * times * rate / hop)) * hop for times in _LENGTHS)
        apart = float(np.median(steps[~parted])) if (~parted).any() else 1.0
        plain = replace(stretches, settle=0)
        each = max(1, round(length * rate / max(1.0, apart)))
        return Sentences(plain, order, when, np.flatnonzero(last), following, lengths, each)

    @property
    def size(self) -> int:
        """Stretches of a batch."""
        return self.stretches.size

    @property
    def many(self) -> int:
        """Batches of an epoch; none where there is no stretch."""
        if not len(self.ends):
            return 0
        return max(_BATCHES, -(-min(WINDOWS, len(self.order)) * _SHARE // (self.moments * self.size)))

    def drawn(self, share: Array, random: np.random.Generator) -> Iterator[Page]:
        """The pages of one epoch, all of one length: stretches that end where one may, by the shares of the rows there."""
        fair = share[self.order[self.ends]]
        picked = random.choice(self.ends, self.many * self.size, p=fair / fair.sum())
        yield from self._paged(picked, int(random.choice(self.lengths)))

    def watched(self) -> Iterator[Page]:
        """Pages for early stopping, the same every time."""
        count = min(len(self.ends), max(1, WATCHED // self.moments))
        yield from self._paged(self.ends[np.linspace(0, len(self.ends) - 1, count).astype(np.intp)], self.lengths[-1])

    def _paged(self, ends: NDArray[np.intp], frames: int) -> Iterator[Page]:
        for some in pages(ends, self.size, frames * self.stretches.signals.channels):
            yield self._page(some, frames)

    def _page(self, ends: NDArray[np.intp], frames: int) -> Page:
        """Stretches of at most so many frames; what is left of them at their beginning holds their first frame."""
        signals, hop = self.stretches.signals, self.stretches.hop
        earliest = np.searchsorted(self.when, self.when[ends] - frames + 2 * hop)
        begins = np.minimum(self.begins[earliest], ends)
        rows, since = self.order[ends], signals.ends[self.order[begins]]
        starts = np.maximum(signals.starts[rows], since - 2 * hop)
        page = self.stretches.page(rows, starts, frames)
        steps = signals.ends[rows][:, None] - frames + np.arange(hop, frames + 1, hop)
        found = np.where(steps > since[:, None] - hop, page.rows, -1)
        found[:, -1] = rows
        return Page(page.frames, found)
