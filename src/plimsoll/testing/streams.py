"""What a recipe promises about streams: answers in chunks are those of the whole, and nothing after a moment is heard.

A recipe that refuses the toys of streams, or does not say that it ``streams``, has promised nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import ring, streaming
from plimsoll.errors import DataError
from plimsoll.recipe import Answers, Model, Recipe
from plimsoll.rows import Rows, Signals, Value
from plimsoll.schema import Axis, Layout
from plimsoll.streaming import Carries, Stream
from plimsoll.testing import signal_toys
from plimsoll.testing.toys import Toy
from plimsoll.testing.tryout import accepted, answered, caught, expect, fitted

Array = NDArray[Any]
NEAR = 1e-5  # sums of 32 bits may be taken in another order in a chunk than in the whole
_NAME = "emg"
_TIGHT = 0.1  # seconds of a window that is less than any recipe's own
# Frames of the chunks that a stream comes in, over and over; one of no frames among them.
CHUNKINGS = ((1,), (signal_toys.STRIDE,), (7, 0, 64, 1), (10_000,))


def chunked_equals_whole(recipe: Recipe) -> None:
    """However a stream is cut into chunks, its answers are those that ``predict`` gives at the same moments."""
    for toy in _heard(recipe):
        model = fitted(recipe, toy)
        for rows in _streams(toy):
            whole = answered(recipe, model, toy, rows)
            for sizes in CHUNKINGS:
                ends, found = _streamed(recipe, model, toy, rows, sizes)
                said = f"answers {toy.name} in chunks of {', '.join(map(str, sizes))} frames"
                moments = rows.signals(_NAME).ends - rows.signals(_NAME).starts
                expect(np.array_equal(ends, moments), recipe, f"{said} at {len(ends)} moments of {len(moments)}.")
                expect(_near(found, whole), recipe, f"{said} otherwise than the whole, by {_apart(found, whole):.2g}.")


def no_look_ahead(recipe: Recipe) -> None:
    """When every sample after a moment is another, the answers up to that moment stay as they were: in a batch and in a stream."""
    for toy in _heard(recipe):
        model = fitted(recipe, toy)
        rows = _streams(toy)[0]
        ends = rows.signals(_NAME).ends
        for at in (int(ends[len(ends) // 3]), int(ends[-1]) - 1):
            other, before = signal_toys.changed_after(rows, _NAME, at), np.flatnonzero(ends <= at)
            said = f"answers moments of {toy.name} otherwise when samples after them are changed"
            one, two = (answered(recipe, model, toy, each)[before] for each in (rows, other))
            expect(_near(one, two), recipe, f"{said}: it looks ahead, in predict.")
            one, two = (_streamed(recipe, model, toy, each, (32,))[1][before] for each in (rows, other))
            expect(_near(one, two), recipe, f"{said}: it looks ahead, in a stream.")


def window_is_kept(recipe: Recipe) -> None:
    """Where the job bounds the window, what lies before it changes no answer; a family whose models have a state says so
    (``remembers``), and is not tried there."""
    for toy in _heard(recipe):
        tight = _tight(toy)
        if recipe.refusal(tight.job, tight.schema) is not None:
            continue
        model, frames = fitted(recipe, tight), signal_toys.LAYOUT.frames(_TIGHT)
        expect(not isinstance(model, Carries), recipe, "has a state. Say remembers=True, for --window allows none.")
        if not hasattr(model, "reach"):  # it has parts that speak for themselves
            continue
        reach = int(model.reach)
        said = f"on a window of {frames} frames"
        expect(0 < reach <= frames, recipe, f"looks back {reach} frames {said}. Ask streaming.looked_at for them.")
        one = answered(recipe, model, tight, toy.test)
        two = answered(recipe, model, tight, signal_toys.changed_before(toy.test, _NAME, frames))
        expect(_near(one, two), recipe, f"hears what lies before its window, {said}.")


def state_is_its_own(recipe: Recipe) -> None:
    """Two streams side by side are answered as each is alone: what a stream has heard stays in its state."""
    for toy in _heard(recipe):
        model = fitted(recipe, toy)
        both = _streams(toy)[:2]
        alone = [_streamed(recipe, model, toy, rows, (signal_toys.STRIDE,))[1] for rows in both]
        streams = [_opened(recipe, model, toy, rows) for rows in both]
        beside: list[list[Answers]] = [[], []]
        with caught(recipe, "step", toy):
            for pair in zip(*(_chunks(rows.signals(_NAME), (signal_toys.STRIDE,)) for rows in both), strict=True):
                for stream, chunk, kept in zip(streams, pair, beside, strict=True):
                    kept.append(stream.push(chunk)[1])
        for one, parts in zip(alone, beside, strict=True):
            two = np.concatenate([part for part in parts if len(part)])
            expect(
                _near(one, two), recipe, f"answers two streams of {toy.name} side by side otherwise than each alone."
            )


def turns_electrodes(turn: Callable[[Array, Layout, int], Array]) -> None:
    """Raises AssertionError where ``turn(samples, layout, by)`` does anything but move channels along the axis that is a ring.

    Give it whatever turns the electrodes of an augmentation: samples are of shape (…, frames, channels). A roll along the
    wrong axis goes unseen in a score, for it does little harm and no good.
    """
    layout = Layout(100.0, tuple(f"e{k}" for k in range(6)), (Axis("row", 2), Axis("place", 3, ring=True)))
    samples = np.random.default_rng(0).integers(-99, 99, (2, 11, 6)).astype(np.float32)
    for by in (-1, 0, 1, 2):
        found = turn(samples.copy(), layout, by)
        if found.shape != samples.shape:
            raise AssertionError(f"turned by {by}, samples of shape {samples.shape} come back as {found.shape}.")
        for channel in range(6):
            row, place = divmod(channel, 3)
            source = row * 3 + (place - by) % 3
            if not np.array_equal(found[..., channel], samples[..., source]):
                raise AssertionError(
                    f"turned by {by}, channel {channel} is not what channel {source} was, frame by frame: electrodes turn, and time does not."
                )


def refuses_other_channels(opened: Callable[[], Callable[[Array], Any]], samples: Array) -> None:
    """Raises AssertionError where a stream takes a chunk of other channels than it knows, or is another stream once it has refused one.

    ``opened()`` begins a stream and gives what hears a chunk and answers: probabilities, shape (moments, classes). ``samples``
    are a stream that it knows, shape (frames, channels), long enough for some moments in each half.
    """
    half, many = len(samples) // 2, samples.shape[1]
    due = opened()
    due(samples[:half])
    whole = np.asarray(due(samples[half:]))
    for shape in ((5, many - 1), (5, many + 1), (5,), (1, 5, many), (many, 5)):
        if shape == (many, many):
            continue
        hear = opened()
        hear(samples[:half])
        said = _refused(partial(hear, np.ones(shape, dtype=np.float32)), f"a chunk of shape {shape}")
        if not re.search(rf"\b{many}\b", said):
            raise AssertionError(
                f"refuses a chunk of shape {shape} without naming the {many} channels that are due: {said}"
            )
        found = np.asarray(hear(samples[half:]))
        if not _near(found, whole):
            raise AssertionError(
                f"answers otherwise after it has refused a chunk of shape {shape}: nothing of it was to be heard."
            )


def refuses_another_rate(opened: Callable[[float], Any], rate: float) -> None:
    """Raises AssertionError where a stream that comes at another rate than ``rate`` (Hz) is opened, or one that comes at it is not."""
    opened(rate)
    for other in (2.0 * rate, rate / 2.0, 1.01 * rate):
        said = _refused(partial(opened, other), f"a stream at {other:g} Hz")
        if f"{other:g}" not in said or f"{rate:g}" not in said:
            raise AssertionError(f"refuses a stream at {other:g} Hz without naming both rates: {said}")


def _refused(tried: Callable[[], Any], what: str) -> str:
    """The line with which something is refused."""
    try:
        tried()
    except DataError as fault:
        if "\n" in str(fault):
            raise AssertionError(f"refuses {what} in more than a line.") from None
        return str(fault)
    except Exception as fault:
        raise AssertionError(f"fails on {what} with {type(fault).__name__} in place of refusing it.") from fault
    raise AssertionError(f"takes {what} as if it were its own.")


def _heard(recipe: Recipe) -> list[Toy]:
    return accepted(recipe, iter((signal_toys.oscillations(),))) if recipe.streams else []


def _tight(toy: Toy) -> Toy:
    assert toy.job.decode is not None
    asked = replace(toy.job.decode, window=_TIGHT, within=True)
    return replace(toy, job=replace(toy.job, decode=asked))


def _streams(toy: Toy) -> list[Rows]:
    """The test rows, stream by stream, each with samples of its own."""
    starts = toy.test.signals(_NAME).starts
    return [ring.streams_of(toy.test.take(np.flatnonzero(starts == start)), _NAME) for start in np.unique(starts)]


def _opened(recipe: Recipe, model: Model, toy: Toy, rows: Rows) -> Stream:
    values: Sequence[Value] = rows.take(np.arange(1)).values(toy.schema)[0]
    with caught(recipe, "start", toy):
        return streaming.opened(model, toy.job, toy.schema, values[1:])


def _chunks(signals: Signals, sizes: Sequence[int]) -> Iterator[streaming.Chunk]:
    """The one stream of these rows, in chunks of these sizes over and over."""
    place, turn, end = 0, 0, int(signals.ends.max())
    while place < end:
        size = sizes[turn % len(sizes)]
        yield np.asarray(signals.samples[place : min(place + size, end)], dtype=np.float32)
        place, turn = place + size, turn + 1


def _streamed(recipe: Recipe, model: Model, toy: Toy, rows: Rows, sizes: Sequence[int]) -> tuple[Array, Answers]:
    """The moments, in frames from the start of the stream, and the answer at each."""
    stream = _opened(recipe, model, toy, rows)
    with caught(recipe, "step", toy):
        told = [stream.push(chunk) for chunk in _chunks(rows.signals(_NAME), sizes)]
    found = [(ends, answers) for ends, answers in told if len(ends)]
    expect(bool(found), recipe, f"gives no answer to a stream of {toy.name}.")
    for ends, answers in found:
        expect(len(ends) == len(answers), recipe, f"gives {len(answers)} answers at {len(ends)} moments of {toy.name}.")
    return np.concatenate([ends for ends, _ in found]), np.concatenate([answers for _, answers in found])


def _near(one: Array, other: Array) -> bool:
    return one.shape == other.shape and bool(np.allclose(one, other, rtol=0.0, atol=NEAR))


def _apart(one: Array, other: Array) -> float:
    return float(np.abs(one - other).max()) if one.shape == other.shape else float("inf")
