"""sasrec: self-attention over the last events of a history says what comes next (Kang and McAuley 2018)."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np

from plimsoll import listing, nets, order, relevance, sasrec
from plimsoll.errors import TrialError
from plimsoll.job import Job
from plimsoll.knobs import Knobs, Space
from plimsoll.listing import Beside
from plimsoll.profile import Profile
from plimsoll.rows import Histories
from plimsoll.sasrec import Attention
from plimsoll.schema import Schema
from plimsoll.scorer import Scorer

SPACE = Space(
    {
        "width": (64, 32, 128),
        "blocks": (2, 1),
        "length": (50, 20, 100),  # events that are looked at
        "dropout": (0.2, 0.1, 0.4),
        "rate": (1e-3, 3e-3, 3e-4),
        "epochs": (20, 40, 10),  # at most: rows that are not seen stop them earlier
        "loss": ("gbce", "softmax"),
    },
    portfolio=({"rate": 3e-3}, {"epochs": 40}, {"loss": "softmax", "rate": 3e-3}),
    open=("epochs",),
)
_WATCHED = 1_000  # rows that are not seen by which training stops


def fit(told: Histories, knobs: Knobs, beside: Beside) -> Attention:
    from plimsoll import sasrec_fit

    if beside.unseen is not None and beside.truth is not None:
        _worth_it(told, beside)
    width, blocks, length, epochs = (int(knobs[name]) for name in ("width", "blocks", "length", "epochs"))
    dropout, rate = float(knobs["dropout"]), float(knobs["rate"])
    plan = sasrec_fit.Plan(width, blocks, length, dropout, rate, epochs, str(knobs["loss"]))
    return sasrec_fit.fit(told, plan, beside.seed, beside.clock, _judge(beside))


def _worth_it(told: Histories, beside: Beside) -> None:
    """Raises TrialError where what came next is told as well with everybody's events shuffled."""
    assert beside.unseen is not None
    assert beside.truth is not None
    found = order.told(told, beside.unseen, beside.truth, beside.again, beside.seed)
    if found is not None and not found.carries:
        said = f"transitions find {found.kept:.3f} (nDCG@10), and {found.shuffled:.3f} of shuffled events"
        raise TrialError(f"order carries no signal here: {said}")


def _judge(beside: Beside) -> Callable[[Attention], float] | None:
    """How well a model does on some of the rows that are not seen: nDCG of the first ten."""
    if beside.unseen is None or beside.truth is None:
        return None
    pick = np.random.default_rng([beside.seed, 12]).permutation(len(beside.unseen))[:_WATCHED]
    rows, truth = beside.unseen.take(pick), beside.truth[pick]
    return lambda model: relevance.mean(order.gains(model, rows, truth, beside.again))


def settled(scorer: Scorer) -> Knobs:
    assert isinstance(scorer, Attention)
    return {"epochs": scorer.epochs}


def refuse(_job: Job, _schema: Schema) -> str | None:
    return nets.NEEDS if importlib.util.find_spec("torch") is None else None


def memory(profile: Profile, knobs: Knobs) -> float:
    shape = (int(knobs[name]) for name in ("width", "blocks", "length"))
    return sasrec.memory(profile.items, profile.rows, int(profile.events), *shape)


def work(profile: Profile, knobs: Knobs) -> float:
    """Of every epoch, what each event does in the blocks and beside the items that it is held against."""
    width, blocks, length = (float(knobs[name]) for name in ("width", "blocks", "length"))
    others = profile.items if knobs["loss"] == "softmax" else min(sasrec.NEGATIVES, profile.items)
    return float(knobs["epochs"]) * profile.events * width * (others + blocks * (6.0 * width + 2.0 * length))


RECIPE = listing.recipe("sasrec", SPACE, fit, sasrec.of, memory, work, settled, refuse, devices=True)
