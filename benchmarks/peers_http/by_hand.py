"""The rules of ``policy.toml`` as a careful person writes them in Python: no library, nothing looked up twice."""

from __future__ import annotations

from typing import Any

BLOCK_AT, REVIEW_AT = 0.95, 0.85
TRUSTED, WATCHED = frozenset(("v0", "v4")), frozenset(("v1", "v2", "v3"))
SURE, NEARLY, FAR = "The model is all but sure.", "The model is nearly sure.", "An amount is far from what is usual."
WATCH, TWO, STEEP = "It comes from where we watch.", "Two amounts are high at once.", "It rose steeply."
PAIR, UNSURE = "The two do not belong together.", "The model does not know."


def decide(row: Any, no: float, yes: float) -> dict[str, Any]:
    """The same fields as ``POST /decide`` gives: of the rules that fire, those that ask for the strongest outcome."""
    block, review, because, softer, labels = [], [], [], [], []
    if yes >= BLOCK_AT and row.c0 not in TRUSTED:
        block.append("very likely")
        because.append(SURE)
    if yes >= REVIEW_AT:
        review.append("likely")
        softer.append(NEARLY)
    if abs(row.n3) > 2.5:
        review.append("far out")
        softer.append(FAR)
    if row.c1 in WATCHED and yes >= 0.7:
        review.append("watched and likely")
        softer.append(WATCH)
    if row.n4 > 1.5 and row.n5 > 1.5:
        block.append("two at once")
        because.append(TWO)
    if row.n6 - row.n7 > 3.0:
        review.append("steep")
        softer.append(STEEP)
    if row.c2 == "v5" and row.c3 == "v6":
        review.append("odd pair")
        softer.append(PAIR)
    if row.c4 in ("v7", "v8") and row.n2 > 1.0:
        review.append("late and high")
        labels.append("late")
    if 0.48 < yes < 0.52 and row.n0 > 1.0:
        review.append("unsure")
        softer.append(UNSURE)
    if row.c5 == "v19" and yes > 0.3:
        review.append("new device")
        labels.append("device")
    scores = {"no": no, "yes": yes}
    if block:
        return {"outcome": "block", "by": block, "labels": labels, "because": because, "scores": scores}
    outcome = "review" if review else "allow"
    return {"outcome": outcome, "by": review, "labels": labels, "because": softer, "scores": scores}
