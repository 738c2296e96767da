"""adaptive_lda: linear discriminants on log-covariances and time-domain features, which find out how the sensors are worn.

Everybody has discriminants, and each known person some of their own. A stream is followed from its start: which way round
a ring of sensors is worn, how far its level is off, and where its classes lie. So a model has a memory of a stream that is
longer than its window: of the wearer, not of what they did; of that it holds ``hold`` seconds.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from plimsoll import adaptive, discriminant, wearing
from plimsoll.adaptive import Adaptive, Pace
from plimsoll.clock import Clock
from plimsoll.following import TRUST
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space
from plimsoll.profile import Profile
from plimsoll.recipe import Facts, Fold, Members, Model, Recipe
from plimsoll.schema import Kind, Schema
from plimsoll.streaming import layout_of, looked_at, person_of
from plimsoll.window_features import FEATURES

SPACE = Space(
    {
        "window": (0.25, 0.15, 0.4),
        "features": ("both", "covariance", "time"),
        "turn": (True, False),  # whether a ring may be worn turned, or the other way round
        "own": (0.5, 0.0, 0.8),  # how much of a known person's discriminants is theirs alone
        "level": (10.0, 0.0, 30.0),  # seconds that the known level weighs; 0: it is not followed
        "classes": (30.0, 0.0, 100.0),  # seconds of a class that its known mean weighs; 0: it is not followed
        "hold": (0.5, 0.0, 1.0),  # seconds that an answer holds
    },
    portfolio=({"hold": 1.0}, {"features": "covariance"}, {"turn": False}),
)
MOST_CHANNELS = 64  # features grow with their square
MOST_ROWS = 40_000  # windows overlap, so that more say little more
WORTH = 10.0  # seconds of each class of a person's own that everybody's count for
_LEARN = 0.25  # seconds between windows that a stream is learned from


def refuse(job: Job, schema: Schema) -> str | None:
    if job.decode is None:
        return "it follows a stream"
    if len(schema.of(Kind.SIGNAL)) != 1 or schema.columns[0].layout is None:
        return "it hears one signal"
    if len(schema.columns[0].layout.channels) > MOST_CHANNELS:
        return f"it hears {MOST_CHANNELS} channels at most"
    return None if job.task.classifies else "it tells classes apart"


def facts(profile: Profile, knobs: Knobs) -> Facts:
    frames, channels = profile.frames * float(knobs["window"]), profile.channels
    width, rows = channels * (channels + 1) / 2 + 5 * channels, min(profile.rows, MOST_ROWS)
    ways = 2 * channels if knobs.get("turn", True) else 1
    return Facts(
        operations=(rows * frames * channels**2, rows * channels**3, rows * width**2, 12_000 * ways * width**2),
        bytes=(rows * width, frames * channels, ways * width**2),
        answer=(frames * channels**2, channels**3, ways * width**2, ways * width * profile.classes),
        model=(width**2, width**2 * profile.levels, width * profile.classes),
    )


def plain(job: Job, schema: Schema, knobs: Knobs) -> Knobs:
    """A ring can be turned, and a person who is named can have discriminants of their own."""
    layout = layout_of(schema)
    idle = [*(["turn"] if len(wearing.orders(layout)) == 1 else []), *(["own"] if not schema.of(Kind.CATEGORY) else [])]
    return {**knobs, **{name: SPACE.default[name] for name in idle}}


def fit(job: Job, schema: Schema, fold: Fold, knobs: Knobs, clock: Clock) -> Adaptive:
    layout, kind, classes, pace = (
        layout_of(schema),
        str(knobs["features"]),
        len(schema.classes),
        _pace(job, schema, knobs),
    )
    pick = np.arange(0, len(fold.train), max(1, math.ceil(len(fold.train) / MOST_ROWS)))
    rows, target = fold.train.take(pick), np.asarray(fold.target)[pick]
    name, person, own = schema.names[0], person_of(job, schema), float(knobs["own"])
    features = FEATURES[kind].last(rows.signals(name), pace.frames)
    ways = adaptive.ways_of(layout, kind, bool(knobs["turn"]))
    streams = np.unique(rows.signals(name).starts, return_inverse=True)[1]
    worn = wearing.aligned(features, target, streams, ways, classes, clock)
    laid, odds = np.take_along_axis(features, ways[worn[streams]], axis=1), wearing.expected(worn, len(ways))
    pooled = discriminant.clouds(laid, target, classes)
    people, heads, chances = [], [], []
    for who, mine in rows.parted(person[0] if own else ""):
        people.append(who)
        heads.append(discriminant.clouds(laid[mine], target[mine], classes).mixed(pooled, own))
        chances.append(wearing.seen(worn[np.unique(streams[mine])], odds))
    kept = tuple(adaptive.kept(each.whitened()) for each in (*heads, pooled))
    logs = np.log([*chances, odds]).astype(np.float32).astype(np.float64)
    return Adaptive(name, layout, person, kind, bool(knobs["turn"]), tuple(people), kept, logs, pace)


def adapt(job: Job, schema: Schema, model: Model, fold: Fold, clock: Clock) -> Adaptive:
    """The model of one person, whoever is named: their seconds, laid onto everybody, beside what is known of everybody."""
    assert isinstance(model, Adaptive)
    assert job.decode is not None
    known, classes, target = model.heads[-1], len(schema.classes), np.asarray(fold.target)
    signals = fold.train.signals(model.name)
    features = FEATURES[model.features].last(signals, model.pace.frames)
    streams = np.unique(signals.starts, return_inverse=True)[1]
    worth = TRUST * job.decode.stride
    worn = wearing.of_one(known, features, target, streams, model.ways, worth)
    laid = np.take_along_axis(features, model.ways[worn[streams]], axis=1)
    seconds = len(target) * job.decode.stride / max(1, len(np.unique(target)))
    own = discriminant.clouds(laid, target, classes).mixed(known.clouds(), seconds / (seconds + WORTH))
    head = replace(own, shares=known.shares).whitened()  # seconds that were asked for say nothing of what is common
    odds = np.log(wearing.seen(worn, np.exp(model.odds[-1])))[None].astype(np.float32).astype(np.float64)
    return replace(model, people=(), heads=(adaptive.kept(head),), odds=odds)


def _pace(job: Job, schema: Schema, knobs: Knobs) -> Pace:
    layout = layout_of(schema)
    assert job.decode is not None
    frames, beat = looked_at(job, layout, float(knobs["window"])), layout.frames(job.decode.stride)
    learn = max(1, round(_LEARN * layout.rate / beat))
    step = learn * beat / layout.rate  # seconds
    level, classes, hold = (float(knobs[name]) for name in ("level", "classes", "hold"))
    stay = math.exp(-beat / layout.rate / hold) if hold else 0.0
    return Pace(frames, beat, learn, level / step, classes / step, TRUST * step, stay, min(1.0, beat / frames))


def load(job: Job, schema: Schema, members: Members) -> Adaptive:
    return adaptive.load(schema.names[0], layout_of(schema), person_of(job, schema), len(schema.classes), members)


RECIPE = Recipe("adaptive_lda", SPACE, refuse, facts, fit, load, plain=plain, streams=True, remembers=True, adapt=adapt)
