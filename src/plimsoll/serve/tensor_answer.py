"""An answer of the Open Inference Protocol: what a model decided, as tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import RequestError, nearest
from plimsoll.schema import Schema
from plimsoll.serve.answerer import Decided
from plimsoll.serve.tensor_request import Infer
from plimsoll.serve.tensors import packed, plain

_CLASSES = {"text": "BYTES", "integer": "INT64", "boolean": "BOOL"}


@dataclass(frozen=True)
class Output:
    """An output of a model; ``classes`` name the places of its second dimension, where it has one."""

    name: str
    datatype: str
    classes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """What the metadata say of it."""
        told: dict[str, Any] = {"name": self.name, "datatype": self.datatype, "shape": self.shape(-1)}
        return {**told, "parameters": {"classes": list(self.classes)}} if self.classes else told

    def shape(self, count: int) -> list[int]:
        return [count, len(self.classes)] if self.classes else [count]


def outputs(schema: Schema) -> tuple[Output, ...]:
    """What a model of such a schema gives.

    >>> [each.as_json() for each in outputs(Schema((), "y", ("no", "yes")))][1]
    {'name': 'probabilities', 'datatype': 'FP64', 'shape': [-1, 2], 'parameters': {'classes': ['no', 'yes']}}
    """
    if not schema.classes:
        return tuple(Output(name, "FP64") for name in ("prediction", "low", "high"))
    said = [schema.class_value(place) for place in range(len(schema.classes))]
    long = any(isinstance(each, int) and abs(each) >= 2**63 for each in said)
    datatype = "BYTES" if long else _CLASSES[schema.class_type]
    return Output("prediction", datatype), Output("probabilities", "FP64", schema.classes)


def wanted(asked: Infer, schema: Schema) -> list[tuple[Output, bool]]:
    """The outputs to give, each with whether it goes as bytes. Raises RequestError for one that there is not."""
    known = {each.name: each for each in outputs(schema)}
    for place, (name, _) in enumerate(asked.wanted):
        if name not in known:
            where = f"$.outputs[{place}].name"
            raise RequestError(where, f'there is no output "{name[:100]}". {nearest(name[:100], known)}')
    if not asked.wanted:
        return [(each, asked.every) for each in known.values()]
    return [(known[name], binary) for name, binary in dict(asked.wanted).items()]


def written(
    head: dict[str, Any], given: Sequence[tuple[Output, bool]], decided: Decided, schema: Schema, count: int
) -> tuple[bytes, int | None]:
    """The body of an answer that begins so, and how long its JSON is where bytes follow."""
    told, behind = [], []
    for output, binary in given:
        values = _values(output, decided, schema, count)
        one: dict[str, Any] = {"name": output.name, "datatype": output.datatype, "shape": output.shape(count)}
        parameters: dict[str, Any] = {"classes": list(output.classes)} if output.classes else {}
        if binary:
            behind.append(packed(values, output.datatype))
            parameters["binary_data_size"] = len(behind[-1])
        else:
            one["data"] = plain(values)
        told.append({**one, "parameters": parameters} if parameters else one)
    text = msgspec.json.encode({**head, "outputs": told})
    return b"".join((text, *behind)), len(text) if behind else None


def _values(output: Output, decided: Decided, schema: Schema, count: int) -> Sequence[Any] | NDArray[np.float64]:
    """An output's elements: those that ``/predict`` gives for the same rows."""
    if not count:
        return []
    if output.name == "probabilities":
        assert decided.probabilities is not None
        return decided.probabilities
    if not schema.classes:
        numbers: NDArray[np.float64] | None = getattr(decided, _NUMBERS[output.name])
        assert numbers is not None
        return numbers
    assert decided.labels is not None
    says = [schema.class_value(place) for place in range(len(schema.classes))]
    said = [says[place] for place in decided.labels.tolist()]
    return [str(each) for each in said] if output.datatype == "BYTES" else said


_NUMBERS = {"prediction": "values", "low": "low", "high": "high"}
