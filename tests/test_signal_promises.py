"""Every promise about streams catches the fault that it is there for, and streams refuse what is not theirs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from plimsoll import ring, streaming
from plimsoll.bundle import Bundle
from plimsoll.calibration import Calibration, softmax
from plimsoll.errors import DataError, JobError
from plimsoll.job import Job
from plimsoll.knobs import Space
from plimsoll.recipe import Facts, Fold, Recipe
from plimsoll.rows import Rows, Signals, Value
from plimsoll.schema import Axis, Kind, Layout, Schema
from plimsoll.serve.session import Session
from plimsoll.streaming import looked_at
from plimsoll.testing import promises, signal_toys, streams

ALL = (
    promises.chunked_equals_whole,
    promises.no_look_ahead,
    promises.window_is_kept,
    promises.state_is_its_own,
)


def levels(samples: np.ndarray) -> np.ndarray:
    """The strength of each channel, shape (…, frames, channels) to (…, channels)."""
    return np.log1p(np.abs(np.asarray(samples, dtype=np.float64)).mean(axis=-2))


@dataclass(frozen=True)
class Strongest:
    """A sound toy model that looks through a window: a class for each channel, and rest when none is strong."""

    name: str
    reach: int
    weights: np.ndarray  # shape (channels + 1, classes)
    settled: Mapping[str, Any] = field(default_factory=dict)

    def predict(self, rows: Rows) -> np.ndarray:
        return self.probable(levels(rows.signals(self.name).last(self.reach)))

    def answer(self, values: Sequence[Value]) -> list[float]:
        cell = Signals.of([values[0]], 4)  # type: ignore[list-item]  # a signal comes first
        return self.probable(levels(cell.last(self.reach)))[0].tolist()

    def probable(self, strengths: np.ndarray) -> np.ndarray:
        return softmax(np.c_[strengths, np.ones(len(strengths))] @ self.weights)

    def members(self) -> dict[str, bytes]:
        raise NotImplementedError


@dataclass(frozen=True)
class Remembers(Strongest):
    """A sound toy model with a memory: the strength of each channel with a pull towards what it was at the moment before."""

    def predict(self, rows: Rows) -> np.ndarray:
        return np.array([self.answer((cell,)) for cell in rows.signals(self.name).cells()])

    def answer(self, values: Sequence[Value]) -> list[float]:
        found, _ = self.step(values[0], self.start(len(values[0]), 10**6))  # type: ignore[arg-type]  # a signal comes first
        return found[0].tolist()

    def start(self, first: int, stride: int, beside: Sequence[Value] = ()) -> Any:
        return first, stride, 0, np.zeros(4)

    def step(self, chunk: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        first, stride, heard, mean = state
        told = []
        for frame in np.asarray(chunk, dtype=np.float64):
            mean, heard = 0.9 * mean + 0.1 * np.abs(frame), heard + 1
            if heard >= first and (heard - first) % stride == 0:
                told.append(self.probable(np.log1p(mean)[None])[0])
        return np.array(told), (first, stride, heard, mean)


def fit(job: Job, schema: Schema, fold: Fold, knobs: Any, clock: Any) -> Strongest:
    name = schema.of(Kind.SIGNAL)[0]
    reach = looked_at(job, schema[name].layout, 0.25)  # type: ignore[arg-type]  # a signal has one
    strengths = np.c_[levels(fold.train.signals(name).last(reach)), np.ones(len(fold.train))]
    return Strongest(name, reach, np.linalg.lstsq(strengths, 8.0 * np.eye(4)[fold.target], rcond=None)[0])


def refuse(job: Job, schema: Schema) -> str | None:
    return None if schema.of(Kind.SIGNAL) and len(schema.classes) == 4 else "It tells four classes of a signal apart."


SOUND = Recipe(
    "strongest", Space(), refuse, lambda profile, knobs: Facts((1.0,), (1.0,)), fit, lambda *_: None, streams=True
)


def swapped(kind: type[Strongest]) -> Recipe:
    """The sound recipe with its models swapped for another kind."""

    def made(*asked: Any) -> Strongest:
        sound = fit(*asked)
        return kind(sound.name, sound.reach, sound.weights)

    return replace(SOUND, fit=made, remembers=issubclass(kind, Remembers))


class HearsTheNextFrame(Strongest):
    """Looks at a few frames after its moment, which lie in the array all the same."""

    def predict(self, rows: Rows) -> np.ndarray:
        signals = rows.signals(self.name)
        later = replace(signals, ends=np.minimum(signals.ends + 4, len(signals.samples)))
        return self.probable(levels(later.last(self.reach)))


class CentresOnAll(Strongest):
    """Takes the mean of all that is in the array, what comes later too."""

    def predict(self, rows: Rows) -> np.ndarray:
        signals = rows.signals(self.name)
        return self.probable(levels(signals.last(self.reach) - signals.samples.mean(axis=0)))


class ForgetsBetweenChunks(Remembers):
    def step(self, chunk: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        found, (first, stride, heard, _) = super().step(chunk, state)
        return found, (first, stride, heard, np.zeros(4))


class CountsFromItsChunk(Remembers):
    def step(self, chunk: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        found, (first, stride, _, mean) = super().step(chunk, state)
        return found, (first, stride, 0, mean)


class HearsItsWholeChunk(Remembers):
    """Answers the moments of a chunk with what the chunk holds to its end."""

    def step(self, chunk: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        found, after = super().step(chunk, state)
        return np.tile(self.probable(np.log1p(after[3])[None]), (len(found), 1)), after


class KeepsItInTheModel(Remembers):
    """What was heard stays with the model, and is every stream's."""

    def start(self, first: int, stride: int, beside: Sequence[Value] = ()) -> Any:
        object.__setattr__(self, "heard", np.zeros(4))
        return super().start(first, stride, beside)

    def step(self, chunk: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        found, after = super().step(chunk, (*state[:3], self.heard))  # type: ignore[attr-defined]  # start has set it
        object.__setattr__(self, "heard", after[3])
        return found, after


class LooksFurtherThanItSays(Strongest):
    def predict(self, rows: Rows) -> np.ndarray:
        return self.probable(levels(rows.signals(self.name).last(self.reach + 15)))


class FailsInAStream(Remembers):
    def step(self, chunk: np.ndarray, state: Any) -> tuple[np.ndarray, Any]:
        if not len(chunk):
            raise IndexError("no\nframes")
        return super().step(chunk, state)


def takes_any_window(job: Job, schema: Schema, fold: Fold, knobs: Any, clock: Any) -> Strongest:
    return fit(replace(job, decode=None), schema, fold, knobs, clock)


FAULTS = [
    (promises.chunked_equals_whole, swapped(ForgetsBetweenChunks), "otherwise than the whole"),
    (promises.chunked_equals_whole, swapped(CountsFromItsChunk), "frames at .* moments of|answers at .* moments of"),
    (promises.chunked_equals_whole, swapped(FailsInAStream), "step raised IndexError"),
    (promises.chunked_equals_whole, swapped(HearsTheNextFrame), "otherwise than the whole"),
    (promises.no_look_ahead, swapped(HearsTheNextFrame), "looks ahead, in predict"),
    (promises.no_look_ahead, swapped(CentresOnAll), "looks ahead, in predict"),
    (promises.no_look_ahead, swapped(HearsItsWholeChunk), "looks ahead, in a stream"),
    (promises.window_is_kept, replace(SOUND, fit=takes_any_window), "looks back 25 frames on a window of 10"),
    (promises.window_is_kept, swapped(LooksFurtherThanItSays), "hears what lies before its window"),
    (promises.window_is_kept, replace(swapped(Remembers), remembers=False), "Say remembers=True"),
    (promises.state_is_its_own, swapped(KeepsItInTheModel), "side by side otherwise than each alone"),
]


@pytest.mark.parametrize(("promise", "recipe", "words"), FAULTS, ids=[f"{f[0].__name__}-{f[2][:30]}" for f in FAULTS])
def test_every_promise_about_streams_catches_a_planted_fault(
    promise: promises.Promise, recipe: Recipe, words: str
) -> None:
    """A recipe with one fault is caught by the promise that speaks of it, in one line that begins with its name."""
    with pytest.raises(AssertionError, match=words) as caught:
        promise(recipe)
    assert str(caught.value).startswith("strongest: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", [Strongest, Remembers])
@pytest.mark.parametrize("promise", ALL, ids=lambda promise: promise.__name__)
def test_a_sound_decoder_keeps_the_promises_about_streams(promise: promises.Promise, kind: type[Strongest]) -> None:
    """One that looks through a window and one that carries a state both pass."""
    promise(swapped(kind))


def test_the_promises_about_streams_are_all_among_the_promises() -> None:
    """A recipe that is checked is held to each of them, and each of them has a planted fault."""
    assert set(ALL) <= set(promises.PROMISES)
    assert {fault[0] for fault in FAULTS} == set(ALL)


def test_a_family_that_hears_no_streams_promises_nothing_about_them() -> None:
    """Without ``streams`` no toy of streams is put to a recipe, whatever it refuses."""
    promises.no_look_ahead(replace(swapped(HearsTheNextFrame), streams=False))


TURNS: dict[str, Callable[[np.ndarray, Layout, int], np.ndarray]] = {
    "time": lambda samples, layout, by: np.roll(samples, by, axis=-2),
    "all channels as if they were one ring": lambda samples, layout, by: np.roll(samples, by, axis=-1),
    "the other way": lambda samples, layout, by: ring.turned(samples, layout, -by),
    "and shifts time": lambda samples, layout, by: np.roll(ring.turned(samples, layout, by), by, axis=-2),
    "and drops a frame": lambda samples, layout, by: ring.turned(samples, layout, by)[..., 1:, :],
}


@pytest.mark.parametrize("fault", TURNS)
def test_an_augmentation_that_turns_anything_but_electrodes_is_caught(fault: str) -> None:
    """A roll along time, along the flat channels or the wrong way is named with the channel that is wrong."""
    with pytest.raises(AssertionError, match=r"channel \d is not what channel|come back as"):
        streams.turns_electrodes(TURNS[fault])


def test_what_turns_the_ring_turns_electrodes_and_not_time() -> None:
    """``ring.turned`` keeps the promise itself."""
    streams.turns_electrodes(ring.turned)


def test_channels_that_stand_in_no_ring_are_not_turned() -> None:
    """There is no turning them, and the line says which flag says that they do."""
    with pytest.raises(JobError, match="--ring"):
        ring.turned(np.zeros((3, 2)), Layout(100.0, ("a", "b"), (Axis("electrode", 2),)), 1)


def _opened(**more: Any) -> streaming.Stream:
    toy = signal_toys.oscillations()
    model = fit(toy.job, toy.schema, toy.fold, {}, None)
    return streaming.opened(model, toy.job, toy.schema, **more)


def _pushed(stream: streaming.Stream) -> Callable[[np.ndarray], np.ndarray]:
    return lambda chunk: stream.push(chunk)[1]


class TakesAnything(streaming.Stream):
    """Knows no channels."""

    def push(self, chunk: np.ndarray) -> Any:
        self.channels = 0
        return super().push(chunk)


class CutsToFit(streaming.Stream):
    """Takes the first of the channels that come, and silence for what does not."""

    def push(self, chunk: np.ndarray) -> Any:
        some = np.atleast_2d(np.squeeze(chunk))[:, : self.channels]
        found = np.zeros((len(some), self.channels), dtype=np.float32)
        found[:, : some.shape[1]] = some
        return super().push(found)


class HearsWhatItRefuses(streaming.Stream):
    def push(self, chunk: np.ndarray) -> Any:
        try:
            return super().push(chunk)
        except DataError:
            super().push(np.full((5, self.channels), 50.0, dtype=np.float32))
            raise


class SaysNothingOfWhatIsDue(streaming.Stream):
    def push(self, chunk: np.ndarray) -> Any:
        try:
            return super().push(chunk)
        except DataError:
            raise DataError("That is no chunk.") from None


class SaysItInLines(streaming.Stream):
    def push(self, chunk: np.ndarray) -> Any:
        try:
            return super().push(chunk)
        except DataError as fault:
            raise DataError(f"{fault}\nReally.") from None


SAMPLES = signal_toys.session(5)[0][:100].astype(np.float32)
OF_CHANNELS = [
    (
        TakesAnything,
        "takes a chunk of shape .* as if it were its own|fails on a chunk of shape .* in place of refusing",
    ),
    (CutsToFit, "takes a chunk of shape .* as if it were its own"),
    (HearsWhatItRefuses, "answers otherwise after it has refused"),
    (SaysNothingOfWhatIsDue, "without naming the 4 channels"),
    (SaysItInLines, "in more than a line"),
]
OF_RATES: list[tuple[Callable[[float], Any], str]] = [
    (lambda rate: _opened(), "takes a stream at 200 Hz as if it were its own"),
    (lambda rate: _opened(rate=100.0 if abs(rate - 100.0) < 2.0 else rate), "takes a stream at 101 Hz"),
    (lambda rate: {100.0: 1}[rate], "fails on a stream at 200 Hz with KeyError"),
    (lambda rate: _vague(rate), "without naming both rates"),
]


def _vague(rate: float) -> None:
    if rate != 100.0:
        raise DataError(f"{rate:g} Hz is another rate.")


@pytest.mark.parametrize(("kind", "words"), OF_CHANNELS, ids=lambda part: getattr(part, "__name__", ""))
def test_a_stream_that_takes_other_channels_is_caught(kind: type[streaming.Stream], words: str) -> None:
    """One that does not look, one that makes them fit, one that hears what it refuses, and two that do not say what is due."""

    def opened() -> Callable[[np.ndarray], np.ndarray]:
        sound = _opened()
        return _pushed(kind(sound.model, sound.first, sound.stride, sound.beside, channels=sound.channels))

    with pytest.raises(AssertionError, match=words):
        streams.refuses_other_channels(opened, SAMPLES)


@pytest.mark.parametrize(("opened", "words"), OF_RATES, ids=[words for _, words in OF_RATES])
def test_a_stream_that_takes_another_rate_is_caught(opened: Callable[[float], Any], words: str) -> None:
    """One that does not look, one that is not exact, one that breaks, and one that does not say which rate it knows."""
    with pytest.raises(AssertionError, match=words):
        streams.refuses_another_rate(opened, 100.0)


def test_streams_refuse_other_channels_and_another_rate() -> None:
    """Those of the house keep both promises: of a model, and of a bundle as it is served."""
    streams.refuses_other_channels(lambda: _pushed(_opened()), SAMPLES)
    streams.refuses_another_rate(lambda rate: _opened(rate=rate), 100.0)

    def served() -> Callable[[np.ndarray], np.ndarray]:
        toy = signal_toys.oscillations()
        made = Bundle(toy.job, toy.schema, "strongest", {}, Calibration.none(4), {}, {})
        session = Session(made, fit(toy.job, toy.schema, toy.fold, {}, None))
        return lambda chunk: np.array([list(each.probabilities.values()) for each in session.step(chunk)])  # type: ignore[union-attr]  # without a rule all are moments

    streams.refuses_other_channels(served, SAMPLES)


def test_no_promise_about_streams_goes_without_a_planted_fault() -> None:
    """Whatever is added to the promises: of recipes they stand above, and those of augmentations and of streams beside them."""
    planted = {fault[0] for fault in FAULTS} | {streams.turns_electrodes if TURNS else None}
    planted |= {
        streams.refuses_other_channels if OF_CHANNELS else None,
        streams.refuses_another_rate if OF_RATES else None,
    }
    promised = {
        each
        for name, each in vars(streams).items()
        if inspect.isfunction(each) and each.__module__ == streams.__name__ and not name.startswith("_")
    }
    assert promised == planted


def test_the_streams_of_some_rows_hold_their_samples_and_no_others() -> None:
    """Each row's cell stays what it was, however few of the samples are kept."""
    toy = signal_toys.oscillations()
    few = toy.test.take(np.array([3, 200, 90]))
    kept = ring.streams_of(few, "emg").signals("emg")
    for one, other in zip(kept.cells(), few.signals("emg").cells(), strict=True):
        assert np.array_equal(one, other)
    assert len(kept.samples) < len(few.signals("emg").samples) / 2


def test_the_toy_of_streams_is_answered_at_every_moment() -> None:
    """Its test rows are whole streams: a moment every stride, from the first full window on."""
    for rows in streams._streams(signal_toys.oscillations()):
        ends = rows.signals("emg").ends
        assert ends[0] == signal_toys.WINDOW
        assert set(np.diff(ends)) == {signal_toys.STRIDE}
        assert len(rows.signals("emg").samples) - ends[-1] < signal_toys.STRIDE
