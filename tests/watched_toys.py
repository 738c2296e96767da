"""A toy bundle with sketches, and requests that are spread as they say, or otherwise."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from plimsoll import evidence
from plimsoll.bundle import Bundle
from plimsoll.rows import Rows
from plimsoll.serve.answerer import Answerer
from serving_toys import toy

JOBS = ["cook", "nurse", "pilot"]


def events(seed: int, count: int, moved: bool = False) -> list[dict[str, Any]]:
    """Rows as a caller sends them; ``moved``: older people, of whom a fifth do not say how old."""
    random = np.random.default_rng(seed)
    ages = random.normal(52.0 if moved else 37.0, 6.0, count).round().tolist()
    gone = random.random(count) < (0.2 if moved else 0.0)
    jobs = random.choice(JOBS, count, p=[0.6, 0.3, 0.1]).tolist()
    return [
        {"age": None if none else age, "job": job, "member": bool(k % 2), "hours per week": 40, "note": "a note"}
        for k, (age, job, none) in enumerate(zip(ages, jobs, gone, strict=True))
    ]


def body(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps(rows).encode()


def sketched(classes: tuple[str, ...] = ("no", "yes"), digest: str = "d1", **more: Any) -> Bundle:
    """The toy with what a run would have put into its facts."""
    plain = toy(classes)
    model = Answerer(plain, 10_000)
    rows = Rows.of_values(plain.schema, model.cells(body(events(0, 4_000))))
    decided = model.decide(rows)
    answers = decided.values if decided.probabilities is None else decided.probabilities
    labels = answers if decided.labels is None else decided.labels
    assert answers is not None
    assert labels is not None
    metric = {"metric": "accuracy" if classes else "mae", "value": 0.9, "low": 0.88, "high": 0.92, "rows": 4_000}
    facts = {
        **plain.facts,
        "digest": digest,
        "sketches": evidence.sketches(rows),
        "answers": evidence.answered(plain.schema, answers, labels),
        "metrics": [metric],
    }
    return toy(classes, facts={**facts, **more})
