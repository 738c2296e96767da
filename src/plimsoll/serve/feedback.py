"""Answers as they were given, read back; and with them what turned out true."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import RequestError, nearest
from plimsoll.schema import Kind, Schema

MOST = 1_000  # labels in one request
_LOOKS = '{"answer": what /predict answered, "truth": what turned out true}, or a list of them'


class _Pair(msgspec.Struct, forbid_unknown_fields=True):
    answer: dict[str, Any]
    truth: str | int | float | bool


def answers_of(answer: bytes, schema: Schema) -> list[list[float]]:
    """The figures of an answer of ``/predict`` or ``/decide``: for each row the probabilities in the order of the classes, or
    the number, or how many items a list has. Raises RequestError.

    >>> answers_of(b'{"prediction": "no", "probabilities": {"no": 0.9, "yes": 0.1}}', Schema((), "y", ("no", "yes")))
    [[0.9, 0.1]]
    """
    told = msgspec.json.decode(answer)
    if schema.lists:
        listed = "hits" if schema.of(Kind.QUERY) else "items"
        return [[float(len(each[listed]))] for each in (told if isinstance(told, list) else [told])]
    return [_figures(each, schema, "$") for each in (told if isinstance(told, list) else [told])]


def pairs_of(body: bytes, schema: Schema) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(truth, answers) as arrays of shape (labels,) and (labels, figures). Raises RequestError with the place of a fault.

    >>> schema = Schema((), "y", ("no", "yes"))
    >>> pairs_of(b'{"answer": {"prediction": "no", "probabilities": {"no": 0.9, "yes": 0.1}}, "truth": "yes"}', schema)
    (array([1.]), array([[0.9, 0.1]]))
    """
    if schema.lists:
        raise RequestError(
            "$", "lists take no labels one by one. Put what users did next into the events, and fit again."
        )
    pairs = _decoded(body)
    if len(pairs) > MOST:
        raise RequestError("$", f"more than {MOST:,} labels. Send them in several requests.", 413)
    places = ["$"] if body.lstrip()[:1] == b"{" else [f"$[{index}]" for index in range(len(pairs))]
    classes = {_spelled(schema.class_value(k)): k for k in range(len(schema.classes))}
    truth = [_truth(pair.truth, schema, classes, place) for pair, place in zip(pairs, places, strict=True)]
    answers = [_figures(pair.answer, schema, f"{place}.answer") for pair, place in zip(pairs, places, strict=True)]
    return np.array(truth, dtype=np.float64), np.array(answers, dtype=np.float64).reshape(len(pairs), -1)


def _decoded(body: bytes) -> list[_Pair]:
    try:
        if body.lstrip()[:1] == b"[":
            return msgspec.json.decode(body, type=list[_Pair])
        return [msgspec.json.decode(body, type=_Pair)]
    except (msgspec.DecodeError, RecursionError) as fault:
        status = 422 if isinstance(fault, msgspec.ValidationError) else 400
        raise RequestError("$", f"the body looks like {_LOOKS}: {fault}", status) from None


def _truth(told: str | float | bool, schema: Schema, classes: dict[tuple[bool, Any], int], place: str) -> float:
    if not schema.classes:
        if isinstance(told, str | bool) or not math.isfinite(told):
            raise RequestError(f"{place}.truth", f"expected a number, got {str(told)[:40]!r}")
        return float(told)
    if (found := classes.get(_spelled(told))) is not None:
        return float(found)
    raise RequestError(f"{place}.truth", f"{str(told)[:40]!r} is no class. {nearest(str(told)[:40], schema.classes)}")


def _spelled(value: Any) -> tuple[bool, Any]:
    """True is not 1, though Python takes them for equal."""
    return isinstance(value, bool), value


def _figures(told: Any, schema: Schema, place: str) -> list[float]:
    if not isinstance(told, dict):
        raise RequestError(place, f"expected what /predict answered, got {type(told).__name__}")
    if not schema.classes:
        scores = told.get("scores")
        number = next(iter(scores.values()), None) if isinstance(scores, dict) else told.get("prediction")
        return [_finite(number, f"{place}.prediction")]
    name = "scores" if "scores" in told else "probabilities"
    given = told.get(name)
    if not isinstance(given, dict) or set(given) != set(schema.classes):
        raise RequestError(f"{place}.{name}", "expected a probability for each class, as /predict answers")
    found = [_finite(given[each], f"{place}.{name}.{each}") for each in schema.classes]
    if min(found) < 0.0 or abs(sum(found) - 1.0) > 1e-3:
        raise RequestError(f"{place}.{name}", "these are no probabilities: they lie under 0 or do not come to 1")
    return found


def _finite(value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise RequestError(place, f"expected a number, got {str(value)[:40]!r}")
    return float(value)
