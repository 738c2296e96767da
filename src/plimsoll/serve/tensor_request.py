"""A request of the Open Inference Protocol: its tensors as rows, and the outputs that are wanted of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import msgspec

from plimsoll.errors import RequestError, nearest
from plimsoll.rows import Cells, Rows
from plimsoll.schema import Column, Schema
from plimsoll.serve.tensor_signals import flat, none, rows_of, signals
from plimsoll.serve.tensors import TAKES, absent, column, length, listed, parameter, unpacked

# What would change the answer, and is not done here. Other parameters are hints, and are passed over.
_NOT_DONE = ("classification", "shared_memory_region", "sequence_id")


class _Tensor(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    shape: list[int]
    datatype: str
    parameters: dict[str, Any] = {}
    data: Any = msgspec.UNSET


class _Wanted(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    parameters: dict[str, Any] = {}


class _Request(msgspec.Struct, forbid_unknown_fields=True):
    inputs: list[_Tensor]
    outputs: list[_Wanted] = []
    id: str | None = None
    parameters: dict[str, Any] = {}


@dataclass(frozen=True)
class Infer:
    """What is asked: ``rows``, and the ``wanted`` outputs by name, each with whether it is wanted as bytes. None are all."""

    rows: Rows
    wanted: tuple[tuple[str, bool], ...]
    every: bool  # whether outputs that nobody named are wanted as bytes
    id: str | None


def read(body: bytes, stated: bytes | None, schema: Schema, most_rows: int) -> Infer:
    """The request of a body; ``stated`` is how long its JSON is, where bytes follow. Raises RequestError.

    >>> from plimsoll.schema import Kind
    >>> schema = Schema((Column("age", Kind.NUMBER), Column("job", Kind.CATEGORY)), "y")
    >>> told = b'{"inputs": [{"name": "age", "shape": [2], "datatype": "INT8", "data": [39, null]}]}'
    >>> read(told, None, schema, 10).rows.values(schema)
    [(39.0, None), (nan, None)]
    """
    most = len(body)
    if stated is not None and not (stated.isdigit() and len(stated) < 10 and int(stated) <= most):
        raise RequestError("inference-header-content-length", f"expected a number up to {most}, the body's length", 400)
    end = most if stated is None else int(stated)
    told = _decoded(body[:end])
    _check(told.parameters, "$")
    wanted = tuple([_want(each, f"$.outputs[{place}]", told) for place, each in enumerate(told.outputs)])
    every = bool(parameter(told.parameters, "binary_data_output", bool, "$"))
    return Infer(_rows(told.inputs, memoryview(body)[end:], schema, most_rows), wanted, every, told.id)


def _decoded(body: bytes) -> _Request:
    try:
        return msgspec.json.decode(body, type=_Request)
    except msgspec.ValidationError as fault:
        words, _, where = str(fault).partition(" - at `$")
        raise RequestError(f"${where[:-1]}", words[:1].lower() + words[1:]) from None
    except (ValueError, RecursionError) as fault:
        raise RequestError("$", f"the body is not JSON: {fault}", 400) from None


def _check(parameters: dict[str, Any], place: str) -> None:
    for name in _NOT_DONE:
        if parameters.get(name):
            raise RequestError(f"{place}.parameters.{name}", "is not done here. Leave it out.")


def _want(one: _Wanted, place: str, told: _Request) -> tuple[str, bool]:
    _check(one.parameters, place)
    own = parameter(one.parameters, "binary_data", bool, place)
    every = parameter(told.parameters, "binary_data_output", bool, "$")
    return one.name, bool(every if own is None else own)


def _rows(inputs: list[_Tensor], raw: memoryview, schema: Schema, most_rows: int) -> Rows:
    if not inputs:
        raise RequestError("$.inputs", "expected at least one tensor, for its shape says how many rows there are")
    known = {each.name: each for each in schema.columns}
    count = _count(inputs[0], known, "$.inputs[0]")
    if count > most_rows:
        raise RequestError("$.inputs[0].shape", f"more than {most_rows} rows. Send them in several requests.", 413)
    columns: dict[str, Cells] = {}
    for index, one in enumerate(inputs):
        place = f"$.inputs[{index}]"
        if one.name not in known:
            raise _unknown(f"{place}.name", one.name, schema)
        if one.name in columns:
            raise RequestError(f"{place}.name", f'"{one.name[:100]}" comes twice')
        if (here := _count(one, known, place)) != count:
            raise RequestError(f"{place}.shape", f"holds {here} rows, and the first tensor {count}")
        columns[one.name], raw = _column(one, known[one.name], raw, count, place)
    if len(raw):
        raise RequestError("$", f"{len(raw)} bytes follow that are of no tensor", 400)
    return Rows(count, {name: columns[name] if name in columns else _absent(known[name], count) for name in known})


def _count(one: _Tensor, known: dict[str, Column], place: str) -> int:
    """How many rows a tensor holds."""
    layout = known[one.name].layout if one.name in known else None
    return length(one.shape, place) if layout is None else rows_of(one.shape, layout, place)


def _absent(of: Column, count: int) -> Cells:
    return absent(of.kind, count) if of.layout is None else none(of.layout, count)


def _column(one: _Tensor, of: Column, raw: memoryview, count: int, place: str) -> tuple[Cells, memoryview]:
    """A tensor's cells, and the bytes that are left for those behind it."""
    if one.datatype not in TAKES[of.kind]:
        takes = ", ".join(TAKES[of.kind])
        raise RequestError(f"{place}.datatype", f"a {of.kind.value} is one of {takes}, not {one.datatype[:20]}")
    _check(one.parameters, place)
    elements = count if of.layout is None else math.prod(one.shape)
    size = parameter(one.parameters, "binary_data_size", int, place)
    if size is not None and one.data is not msgspec.UNSET:
        raise RequestError(f"{place}.data", "comes both in JSON and as bytes. Send one of the two.")
    if size is None:
        if one.data is msgspec.UNSET:
            raise RequestError(place, "has no data")
        data = one.data if of.layout is None else flat(one.data)
        told = listed(data, one.datatype, len(one.shape) == 2, place)
        if len(told) != elements:
            raise RequestError(f"{place}.data", f"expected {elements} elements as the shape says, got {len(told)}")
        return _cells(told, one, of, f"{place}.data"), raw
    if size > len(raw):
        raise RequestError(f"{place}.parameters.binary_data_size", f"{size} bytes are said, {len(raw)} are left", 400)
    return _cells(unpacked(raw[:size], one.datatype, elements, place), one, of, place), raw[size:]


def _cells(told: Any, one: _Tensor, of: Column, place: str) -> Cells:
    return column(told, of.kind, place) if of.layout is None else signals(told, one.shape, place)


def _unknown(place: str, name: str, schema: Schema) -> RequestError:
    if name in schema.ignored or name == schema.target:
        return RequestError(place, f'the model does not read "{name}". Leave it out.')
    return RequestError(place, f'there is no column "{name[:100]}". {nearest(name[:100], schema.names)}')
