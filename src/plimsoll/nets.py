"""Nets over signals: a module of PyTorch in a file of its own, with all around it that makes it a recipe.

    RECIPE = nets.recipe("my_net", make=lambda channels, classes, knobs: MyNet(channels, classes), space=Space({}))

A module gets frames as (batch, channels, frames), float32, each channel with a mean of 0 and a spread of 1, and gives scores
of shape (batch, classes). One that remembers has ``initial_state(batch)``, a tensor or a tuple of them, and ``hop``, the
frames of a step; its ``forward(frames, state)`` gives scores of shape (batch, steps, classes) and the state to go on with.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from plimsoll import fronts, net_augment, net_model
from plimsoll.clock import Clock
from plimsoll.errors import MissingExtra, TrialError
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space, Value
from plimsoll.net_lessons import LEAST, WINDOWS
from plimsoll.net_model import Looking, Remembering, Said
from plimsoll.net_quantised import NUMBERS
from plimsoll.profile import Profile
from plimsoll.recipe import Facts, Fold, Members, Recipe
from plimsoll.rows import Signals
from plimsoll.schema import Kind, Layout, Schema
from plimsoll.streaming import layout_of, looked_at

Make = Callable[[int, int, Knobs], Any]  # channels, classes and knobs → a torch.nn.Module
Reach = str | float | None
NEEDS = "it needs PyTorch: pip install 'plimsoll[torch]'"
TRAINING: Mapping[str, tuple[Value, ...]] = {
    "epochs": (8, 4, 16, 32),  # at most; rows held apart stop them earlier
    "rate": (2e-3, 5e-4, 1e-3, 4e-3),
    "augment": net_augment.KINDS,
    "balance": (0.5, 0.0, 1.0),  # of how often each class is drawn: 0 as they come, 1 alike
    "numbers": NUMBERS[
        :1
    ],  # of the graph that is served; eight bits are tried of the best net, without training it anew
    "pruned": (
        0.0,
    ),  # share of its hidden units that it goes without; more are tried of the best net, taught by the whole
    "person": ("apart", "alike"),  # whether those who are known have a reading of their own of what the net says
}
WINDOW: Mapping[str, tuple[Value, ...]] = {"window": (0.25, 0.15, 0.4, 0.6)}
LOSSES = ("moments", "ctc")
_STRIDE = 0.05  # seconds of a stream for each of its moments, about
_LONGEST = 10.0  # seconds of a recording that is answered as a whole
_BEYOND = 64.0  # times its largest option that a knob of members may be


def recipe(
    name: str,
    make: Make,
    space: Space | None = None,
    reach: Reach = "window",
    work: Callable[[int, float, Knobs], float] | None = None,
    students: tuple[Knobs, ...] = (),
    front: fronts.Word | Literal[""] = "",
    loss: str = "moments",
) -> Recipe:
    """The recipe of modules that ``make`` gives for (channels, classes, knobs).

    ``space`` are the module's own knobs, beside those of training, whose options it may name anew. ``reach`` says how far
    the net looks back: the seconds, the knob that holds them, or None for one that remembers. ``work`` gives the
    multiplications of one answer for (channels, frames, knobs), from which costs are foretold; without it they are
    counted from the module's weights. ``students`` are settings of small nets that learn well from a teacher.

    ``front`` names what stands before the net, "covariances" or "spectrogram" (``fronts``): channels are then features, and
    frames those of the front, whose knobs (``look`` and ``step``, in seconds) are the recipe's too. With the ``loss`` "ctc" a
    net that remembers learns the sequence of labels in a stretch, and rest is the blank. Raises ValueError for another word.
    """
    if front not in ("", *fronts.KINDS) or loss not in LOSSES or (loss == "ctc" and reach is not None):
        raise ValueError(
            f"a front is one of {', '.join(fronts.KINDS)}, a loss one of {', '.join(LOSSES)}, and a net of sequences remembers: reach=None"
        )
    own = space or Space()
    window = WINDOW if reach == "window" else {}
    options = {**TRAINING, **window, **(fronts.KINDS[front].options if front else {}), **own.options}
    open_ = tuple(dict.fromkeys(("epochs", *own.open)))
    whole = replace(own, options=options, open=open_)
    family = Family(make, reach, work, whole, front, loss)
    return Recipe(
        name,
        whole,
        family.refuse,
        family.facts,
        family.fit,
        family.load,
        devices=True,
        students=students,
        plain=family.plain,
        streams=True,
        remembers=reach is None,
        sequences=loss == "ctc",
    )


@dataclass(frozen=True)
class Family:
    """The functions of a recipe of nets."""

    make: Make
    reach: Reach
    work: Callable[[int, float, Knobs], float] | None
    space: Space
    front: fronts.Word | Literal[""] = ""
    loss: str = "moments"

    def refuse(self, job: Job, schema: Schema) -> str | None:
        if importlib.util.find_spec("torch") is None:
            return NEEDS
        if len(schema.of(Kind.SIGNAL)) != 1:
            return "it reads one signal"
        if not job.task.classifies:
            return "it tells classes apart"
        if self.reach is None and job.decode is None:
            return "it hears streams, and these rows are recordings"
        return self._unheard(job, schema)

    def _unheard(self, job: Job, schema: Schema) -> str | None:
        """Why its front or its loss does not go with what is asked; None where it does."""
        layout = schema[schema.of(Kind.SIGNAL)[0]].layout
        if self.front and layout is not None and len(layout.channels) > fronts.MOST_CHANNELS:
            return f"it tells how up to {fronts.MOST_CHANNELS} channels sound; here are {len(layout.channels)}"
        rest = job.decode.rest if job.decode else ""
        if self.loss == "ctc" and rest and rest not in schema.classes:
            return f'it reads sequences with rest between, and no label is "{rest}"'
        return None

    def plain(self, job: Job, schema: Schema, knobs: Knobs) -> Knobs:  # noqa: ARG002
        """Who wears the sensor changes nothing where no column says so, and nothing turns where there is no ring."""
        known = {} if schema.of(Kind.CATEGORY) else {"person": self.space.default["person"]}
        level = {"augment": "level"} if knobs["augment"] == "turn" and not net_augment.rings(layout_of(schema)) else {}
        return {**knobs, **known, **level}

    def facts(self, profile: Profile, knobs: Knobs) -> Facts:
        """Of every draw of every epoch: what the net computes, and what handing it over takes."""
        kept = float(knobs["epochs"])
        allowed = float(knobs.get("epochs_allowed", kept))
        drawn = min(kept, allowed) * min(profile.rows, WINDOWS)
        channels, rate = self._given(profile, knobs)
        frames = self._seconds(knobs) * rate
        numbers = frames * channels
        work = self._work(channels, frames, profile, knobs)
        size = float(_weights(self.make, channels, max(2, profile.classes), _key(knobs)))
        told = self._told(profile, knobs)
        learned = drawn * work, drawn * numbers, profile.rows * work, profile.rows * numbers, drawn
        held = min(profile.rows, WINDOWS) * numbers, size, profile.rows
        return Facts(
            operations=(*learned, *(profile.rows * _STRIDE * each for each in told)),
            bytes=(*held, *(profile.rows * _STRIDE * rate * channels for _ in told)),
            answer=(work, numbers, *(self._anew(knobs) * each for each in told)),
            model=(size,),
            settles={"epochs": (min(allowed, 6.0), allowed)},
        )

    def _given(self, profile: Profile, knobs: Knobs) -> tuple[int, float]:
        """Channels that the module is given, and frames of them a second."""
        channels, rate = max(1, profile.channels), max(1.0, profile.frames)
        return fronts.width(self.front, channels, rate, knobs) if self.front else (channels, rate)

    def _told(self, profile: Profile, knobs: Knobs) -> tuple[float, ...]:
        """Multiplications of the front for a second of signal; nothing where there is none."""
        given = max(1, profile.channels), max(1.0, profile.frames), knobs
        return (fronts.work(self.front, *given),) if self.front else ()

    def _anew(self, knobs: Knobs) -> float:
        """Seconds of the signal that the front tells for one answer: what is new, or the whole window."""
        return _STRIDE if self.reach is None else self._seconds(knobs)

    def _seconds(self, knobs: Knobs) -> float:
        """That one answer looks at anew: the window, or of a net that remembers a stride of about so much."""
        if self.reach is None:
            return _STRIDE
        return float(knobs[self.reach] if isinstance(self.reach, str) else self.reach)

    def _work(self, channels: int, frames: float, profile: Profile, knobs: Knobs) -> float:
        if self.work is not None:
            return self.work(channels, frames, knobs)
        return frames * _weights(self.make, channels, max(2, profile.classes), _key(knobs))

    def fit(self, job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> Looking | Remembering:
        from plimsoll import net_fit, net_ready

        if len(fold.train) < LEAST:
            raise TrialError(f"{len(fold.train)} rows to learn from are too few for a net; {LEAST} are the least")
        return net_fit.fitted(
            self.make,
            self.reach is None,
            self._frames,
            job,
            schema,
            fold,
            knobs,
            clock,
            net_ready.Way(self.front, self.loss),
        )

    def _frames(self, job: Job, layout: Layout, signals: Signals, knobs: Knobs) -> int:
        """Of a window; of a whole recording as many as the longest has, and no more than ten seconds of it."""
        if job.decode is None:
            return max(1, min(int((signals.ends - signals.starts).max(initial=1)), layout.frames(_LONGEST)))
        return looked_at(job, layout, self._seconds(knobs))

    def load(self, job: Job, schema: Schema, members: Members) -> Looking | Remembering:
        """The net that ``members`` wrote: as a graph, or through PyTorch. Raises ValueError where it is neither."""
        if net_model.GRAPH in members:
            return net_model.load(job, schema, members)
        if importlib.util.find_spec("torch") is None:
            raise MissingExtra("This bundle holds a net that is served through PyTorch: pip install 'plimsoll[torch]'.")
        from plimsoll import net_fit

        return net_fit.revived(self.make, self._allowed, job, schema, members)

    def _allowed(self, said: Said) -> Knobs:
        """The knobs that members hold. Raises ValueError for one that no search would have come to."""
        for name, value in said.knobs.items():
            options = self.space.options.get(name, ())
            words = [each for each in options if isinstance(each, str | bool)]
            most = _BEYOND * max((abs(float(each)) for each in options if not isinstance(each, str | bool)), default=0)
            known = value in words if isinstance(value, str | bool) else abs(value) <= most
            if not known:
                raise ValueError(f"the knob {name} cannot be {value!r}")
        return {**self.space.default, **said.knobs}


def _key(knobs: Knobs) -> str:
    return json.dumps(dict(knobs), sort_keys=True)


@functools.lru_cache(maxsize=4_096)
def _weights(make: Make, channels: int, classes: int, key: str) -> int:
    """Weights of a module, counted without any room for them; a thousand where it cannot be made so."""
    torch = importlib.import_module("torch")
    try:
        with torch.device("meta"):
            return sum(part.numel() for part in make(channels, classes, json.loads(key)).parameters())
    except Exception:  # a module of somebody's own may do anything when it is made
        return 1_000
