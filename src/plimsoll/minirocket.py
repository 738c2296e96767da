"""MiniRocket: the shares of frames at which fixed kernels answer more than a bias, as features of windows and recordings.

Written from Dempster, Schmidt and Webb 2021 ("MiniRocket: a very fast (almost) deterministic transform for time series
classification"), with the mixes of channels that its authors give for several of them. There are 84 kernels of nine
taps, three of which weigh 2 and six −1, at dilations from one frame to as many as a window holds; a feature is the share
of frames at which one of them, summed over its mix of channels, exceeds a quantile of what it gave on a row to learn from.

The paper sums −1 and 3 at shifted places to spare multiplications. A product of matrices takes the same sums over all
kernels at once, and in NumPy that is the quicker of the two up to a dozen channels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
TAPS = 9
REACH = TAPS - 1  # frames from a kernel's first tap to its last, times the dilation
_HEAVY = tuple(combinations(range(TAPS), 3))  # the taps that weigh 2, kernel by kernel
COUNT = len(_HEAVY)
_WEIGHTS = np.array([[2.0 if tap in heavy else -1.0 for tap in range(TAPS)] for heavy in _HEAVY], dtype=np.float32)
_MOST_DILATIONS = 32
_MOST_MIXED = 9  # channels in one mix
_GOLDEN = (math.sqrt(5.0) + 1.0) / 2.0
_CELLS = 400_000  # answers of one dilation that are held at once: what a cache of two megabytes takes in
_USUAL = 2**20  # frames that the widest kernel spans at most
_STRETCH = 4_000  # frames of a recording that are looked at together
# Samples are whole numbers of at most so much: then nine taps of nine channels add up exactly in float32, in whatever order.
LARGEST = float(2**17)
_FINE = float(2**15)  # steps of a grid up to the largest sample that was learned from
LEVELLED = 2.0**-12  # the step of a channel whose root mean square is one


@dataclass(frozen=True)
class Kernels:
    """Kernels with what was drawn for them. Features stand in the order of dilations, then of kernels, then of biases.

    ``dilations`` and ``per`` (features of each kernel at a dilation) have shape (dilations,), ``mixes`` (dilations, 84,
    channels) says which channels a kernel hears, and ``biases`` has shape (features,). Samples are rounded to whole
    multiples of ``grid``, shape (channels,), so that a window gives the same features to the last bit, whatever it is computed beside.

    >>> rocket = draw(lambda row: np.eye(20)[:, :1] * (row + 1), rows=3, frames=20, features=84, grid=np.ones(1), seed=0)
    >>> rocket.features(np.ones((2, 20, 1))).shape, rocket.dilations.tolist()
    ((2, 84), [1])
    """

    dilations: NDArray[np.int64]
    per: NDArray[np.int64]
    mixes: NDArray[np.bool_]
    biases: NDArray[np.float32]
    grid: NDArray[np.float64]

    def __post_init__(self) -> None:
        mixed = (_WEIGHTS[:, :, None] * mix[:, None, :] for mix in self.mixes)
        object.__setattr__(self, "_products", [np.ascontiguousarray(each.reshape(COUNT, -1)) for each in mixed])
        places = np.r_[0, np.cumsum(COUNT * self.per)]
        object.__setattr__(self, "_places", [(int(a), int(b)) for a, b in pairwise(places)])

    @property
    def width(self) -> int:
        """How many features there are."""
        return len(self.biases)

    @property
    def channels(self) -> int:
        return int(self.mixes.shape[2])

    def features(self, windows: Array) -> NDArray[np.float32]:
        """Features of windows, shape (rows, frames, channels): shape (rows, features)."""
        rows, frames, _ = windows.shape
        step = max(1, _CELLS // (COUNT * min(frames, _STRETCH)))
        found = np.empty((self.width, rows), dtype=np.float32)
        for begin in range(0, rows, step):
            found[:, begin : begin + step] = self._shares(windows[begin : begin + step])
        return found.T

    def one(self, cell: Array) -> NDArray[np.float32]:
        """Features of one signal of any length, shape (frames, channels): shape (features,). No frames give all zeros."""
        return self.features(cell[None])[0] if len(cell) else np.zeros(self.width, dtype=np.float32)

    def _shares(self, windows: Array) -> Array:
        """Shape (features, rows)."""
        rows, frames, _ = windows.shape
        counts = np.zeros((self.width, rows), dtype=np.float32)
        for begin in range(0, frames, _STRETCH):
            end = min(frames, begin + _STRETCH)
            pad = REACH // 2 * int(self.dilations[-1])
            near = _laid_out(windows, begin - pad, end + pad, self.grid)
            for at, (first, last) in enumerate(self._places):  # type: ignore[attr-defined]  # set once, in __post_init__
                self._count(at, near, begin, end, frames, counts[first:last].reshape(COUNT, -1, rows))
        for at, (first, last) in enumerate(self._places):  # type: ignore[attr-defined]
            low, high = inner(int(self.dilations[at]), frames)
            shares = counts[first:last].reshape(COUNT, -1, rows)
            shares[at % 2 :: 2] /= frames
            shares[1 - at % 2 :: 2] /= high - low
        return counts

    def _count(self, at: int, near: Array, begin: int, end: int, frames: int, counts: Array) -> None:
        """Adds to ``counts``, shape (84, biases, rows), at how many of the frames each kernel exceeds each bias."""
        dilation, (first, last) = int(self.dilations[at]), self._places[at]  # type: ignore[attr-defined]
        answers = _answers(near, dilation, end - begin, self._products[at])  # type: ignore[attr-defined]
        biases = self.biases[first:last].reshape(COUNT, -1)
        low, high = (min(max(place - begin, 0), end - begin) for place in inner(dilation, frames))
        # Every other kernel counts only the frames at which none of its taps lies outside the window.
        for half, stretch in ((at % 2, slice(None)), (1 - at % 2, slice(low, high))):
            heard = answers[half::2, None, stretch]
            small = np.uint8 if heard.shape[2] < 256 else np.uint16
            together = max(1, 2 * _CELLS // max(1, heard.size) // 4)
            for k in range(0, biases.shape[1], together):
                above = heard > biases[half::2, k : k + together, None, None]
                counts[half::2, k : k + together] += np.add.reduce(above.view(np.uint8), axis=2, dtype=small)


def inner(dilation: int, frames: int) -> tuple[int, int]:
    """From where to where all taps lie inside so many frames; of a signal too short for that, all of it.

    >>> inner(1, 20), inner(3, 20)
    ((4, 16), (0, 20))
    """
    reach = REACH // 2 * dilation
    return (reach, frames - reach) if frames > 2 * reach else (0, frames)


def _laid_out(windows: Array, begin: int, end: int, grid: Array) -> NDArray[np.float32]:
    """Frames ``begin`` to ``end`` of windows on the grid, shape (channels, end − begin, rows); zeros lie outside of them."""
    rows, _, channels = windows.shape
    laid = np.zeros((channels, end - begin, rows), dtype=np.float32)
    held = snapped(windows[:, max(0, begin) : end], grid)
    laid[:, max(0, -begin) : max(0, -begin) + held.shape[1]] = held.transpose(2, 1, 0)
    return laid


def snapped(samples: Array, grid: Array) -> NDArray[np.float32]:
    """Samples, shape (…, channels), as whole multiples of each channel's step; what is no number is 0.

    >>> snapped(np.array([[0.26, -0.1], [np.nan, 1e9]]), np.array([0.25, 0.25])).tolist()
    [[1.0, 0.0], [0.0, 131072.0]]
    """
    scaled = samples.astype(np.float32)
    scaled *= (1.0 / grid).astype(np.float32)
    np.rint(scaled, out=scaled)
    scaled[np.isnan(scaled)] = 0.0
    return np.asarray(np.clip(scaled, -LARGEST, LARGEST, out=scaled) + np.float32(0.0))  # -0.0 is 0.0


def grid_of(samples: Array) -> NDArray[np.float64]:
    """The step of each channel, shape (channels,), for samples like these, shape (frames, channels).

    Steps are powers of two: rounding to them is exact for whole numbers, and channels of other units come to weigh alike.

    >>> grid_of(np.array([[100, 0.3], [-50, 0.0]])).tolist()
    [0.00390625, 1.52587890625e-05]
    """
    sizes = np.abs(np.nan_to_num(samples.astype(np.float64), posinf=0.0, neginf=0.0)).max(axis=0, initial=0.0)
    power = np.clip(np.ceil(np.log2(np.where(sizes > 0, sizes, _FINE) / _FINE)), -100, 100)
    return np.asarray(2.0**power)


def _answers(near: Array, dilation: int, frames: int, product: Array) -> NDArray[np.float32]:
    """What the 84 kernels give, shape (84, frames, rows), of frames with as much beside them as the widest kernel asks for."""
    channels, long, rows = near.shape
    lead = (long - frames) // 2 - REACH // 2 * dilation
    along = near.strides[1]
    strides = dilation * along, *near.strides
    taps: Array = np.ndarray((TAPS, channels, frames, rows), near.dtype, near, lead * along, strides)
    return (product @ taps.reshape(TAPS * channels, -1)).reshape(COUNT, frames, rows)


def dilations(frames: int, features: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(dilations, features of each kernel at them), spread evenly over the logarithm up to a whole window.

    >>> [each.tolist() for each in dilations(52, 1_000)]
    [[1, 2, 3, 4, 5, 6], [4, 2, 2, 1, 1, 1]]
    """
    of_each = max(1, features // COUNT)
    steps = min(of_each, _MOST_DILATIONS)
    widest = max(0.0, math.log2(max(1, min(frames, _USUAL) - 1) / REACH))
    found, many = np.unique(np.logspace(0.0, widest, steps, base=2.0).astype(np.int64), return_counts=True)
    per = (many * (of_each / steps)).astype(np.int64)
    left = of_each - int(per.sum())
    return found, per + left // len(found) + (np.arange(len(found)) < left % len(found))


def draw(example: Callable[[int], Array], rows: int, frames: int, features: int, grid: Array, seed: int) -> Kernels:
    """Kernels for windows of so many frames; ``example(row)`` gives one row to learn from, shape (frames, channels)."""
    random = np.random.default_rng(seed)
    found, per = dilations(frames, features)
    channels = example(0).shape[1]
    mixes = _mixes(random, len(found) * COUNT, channels).reshape(len(found), COUNT, channels)
    quantiles = (np.arange(1, COUNT * int(per.sum()) + 1) * _GOLDEN) % 1.0
    biases = np.empty(len(quantiles), dtype=np.float32)
    place = 0
    for at, dilation in enumerate(found.tolist()):
        for kernel in range(COUNT):
            held = _stretch(random, example(int(random.integers(rows))))
            until = place + int(per[at])
            heard = _heard(snapped(held, grid)[:, mixes[at, kernel]], dilation, _WEIGHTS[kernel])
            biases[place:until] = np.quantile(heard, quantiles[place:until])
            place = until
    return Kernels(found, per, mixes, biases, grid)


def _mixes(random: np.random.Generator, many: int, channels: int) -> NDArray[np.bool_]:
    """Which channels each of so many kernels hears: few more often than many, and nine at most."""
    most = min(channels, _MOST_MIXED)
    counts = (2.0 ** random.uniform(0.0, math.log2(most + 1), many)).astype(np.int64)
    order = random.random((many, channels)).argsort(axis=1).argsort(axis=1)
    return np.asarray(order < counts[:, None])


def _stretch(random: np.random.Generator, cell: Array) -> Array:
    """A stretch of a long recording, and a single frame of silence for one of no frames."""
    if len(cell) <= _STRETCH:
        return cell if len(cell) else np.zeros((1, cell.shape[1]), dtype=np.float32)
    begin = int(random.integers(len(cell) - _STRETCH))
    return cell[begin : begin + _STRETCH]


def _heard(cell: Array, dilation: int, weights: Array) -> Array:
    """What one kernel gives on the sum of some channels, shape (frames,)."""
    reach = REACH // 2 * dilation
    padded = np.pad(cell.sum(axis=1), reach)
    return np.asarray(sum(w * padded[k * dilation : k * dilation + len(cell)] for k, w in enumerate(weights)))


def checked(dilations: Array, per: Array, mixes: Array, biases: Array, grid: Array) -> Kernels:
    """Kernels of arrays that came from outside. Raises ValueError where they cannot be any."""
    many, bools = len(dilations), mixes.dtype == np.bool_ and mixes.ndim == 3
    if not bools or mixes.shape[:2] != (many, COUNT) or dilations.shape != (many,) or per.shape != (many,) or not many:
        raise ValueError(f"kernels at {many} dilations with mixes of shape {mixes.shape}")
    whole = dilations.dtype == np.int64 and per.dtype == np.int64
    if (
        not whole
        or not 0 < dilations.min() <= dilations.max() <= _USUAL // REACH
        or per.min() < 1
        or (np.diff(dilations) < 1).any()
    ):
        raise ValueError("dilations that do not grow, or without features")
    if biases.shape != (COUNT * int(per.sum()),) or not np.isfinite(biases).all():
        raise ValueError(f"biases of shape {biases.shape} for {COUNT * int(per.sum())} features")
    if grid.shape != mixes.shape[2:] or not (np.isfinite(grid).all() and (grid > 0).all()):
        raise ValueError("channels without a step")
    return Kernels(dilations, per, mixes, biases.astype(np.float32), grid.astype(np.float64))
