"""Tensors of the Open Inference Protocol as columns of rows, and back: in JSON, or as bytes behind it.

A cell that comes as a tensor's element is read by the rule for a cell of ``/predict``, so that both give one answer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import GenericAlias
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll.errors import RequestError
from plimsoll.rows import NUMERIC, Cells, Coded
from plimsoll.schema import Column, Kind
from plimsoll.serve.request import MOST_TEXT, cell
from plimsoll.serve.tensor_signals import shape_of

_FLOATS = {"FP64": "<f8", "FP32": "<f4", "FP16": "<f2"}
_WHOLE = {f"{sign}INT{bits}": f"<{sign.lower() or 'i'}{bits // 8}" for sign in ("", "U") for bits in (64, 32, 16, 8)}
_NUMBERS = {**_FLOATS, **_WHOLE}
_DTYPES = {**_NUMBERS, "BOOL": "|b1"}
# The first is what the metadata name; the others are what /predict takes in such a cell too.
TAKES: dict[Kind, tuple[str, ...]] = {
    Kind.NUMBER: (*_NUMBERS, "BYTES"),
    Kind.BOOLEAN: ("BOOL", *_NUMBERS, "BYTES"),
    Kind.TIME: ("BYTES", *_NUMBERS),
    Kind.CATEGORY: ("BYTES", *_NUMBERS, "BOOL"),
    Kind.ID: ("BYTES", *_NUMBERS, "BOOL"),
    Kind.TEXT: ("BYTES",),
    Kind.SIGNAL: ("FP32", *(name for name in _NUMBERS if name != "FP32")),
}
_SIZE = 4  # bytes in which a text says its length


def _element(datatype: str) -> Any:
    """What an element may be in JSON."""
    if datatype in _FLOATS:
        return float | None
    if datatype == "BOOL":
        return bool | None
    if datatype == "BYTES":
        return str | None
    least, most = (int(bound) for bound in (np.iinfo(_WHOLE[datatype]).min, np.iinfo(_WHOLE[datatype]).max))
    # msgspec knows no bound above 64 bits with a sign; what an unsigned number of 64 may be is left to the column.
    bounds = msgspec.Meta(ge=least) if most > 2**63 - 1 else msgspec.Meta(ge=least, le=most)
    return Annotated[int, bounds] | None


_FLAT = {datatype: GenericAlias(list, (_element(datatype),)) for datatype in (*_DTYPES, "BYTES")}
_NESTED = {datatype: GenericAlias(list, (flat,)) for datatype, flat in _FLAT.items()}


def length(shape: Sequence[int], place: str) -> int:
    """How many rows a tensor of such a shape holds: ``[n]`` and ``[n, 1]`` are a column.

    >>> length([3, 1], "$")
    3
    >>> length([3, 2], "$.inputs[0]")
    Traceback (most recent call last):
    plimsoll.errors.RequestError: $.inputs[0].shape: expected [rows] or [rows, 1], got [3, 2]
    """
    if len(shape) not in (1, 2) or shape[0] < 0 or tuple(shape[1:]) not in ((), (1,)):
        raise RequestError(f"{place}.shape", f"expected [rows] or [rows, 1], got {list(shape)!r:.60}")
    return shape[0]


def listed(data: Any, datatype: str, nests: bool, place: str) -> list[Any]:
    """The elements of a tensor's data as JSON has them, flat; missing ones are None.

    >>> listed([[1], [None]], "INT8", True, "$")
    [1, None]
    >>> listed([1, 300], "INT8", True, "$.inputs[0]")
    Traceback (most recent call last):
    plimsoll.errors.RequestError: $.inputs[0].data[1]: is no INT8: Expected `int` <= 127
    """
    nested = nests and isinstance(data, list) and bool(data) and isinstance(data[0], list)
    try:
        found: list[Any] = msgspec.convert(data, (_NESTED if nested else _FLAT)[datatype])
    except msgspec.ValidationError as fault:
        words, _, where = str(fault).partition(" - at `$")
        raise RequestError(f"{place}.data{where[:-1]}", f"is no {datatype}: {words}") from None
    if not nested:
        return found
    if wrong := [index for index, each in enumerate(found) if len(each) != 1]:
        raise RequestError(f"{place}.data[{wrong[0]}]", "expected one element, as the shape says")
    return [each[0] for each in found]


def unpacked(raw: memoryview, datatype: str, count: int, place: str) -> list[Any] | NDArray[np.float64]:
    """The elements of a tensor sent as bytes: little-endian, a text behind its length in four bytes.

    >>> unpacked(memoryview(b"\\x02\\x00\\x00\\x00hi\\x00\\x00\\x00\\x00"), "BYTES", 2, "$")
    ['hi', '']
    """
    if datatype == "BYTES":
        return _texts(raw, count, place)
    dtype = np.dtype(_DTYPES[datatype])
    if len(raw) != count * dtype.itemsize:
        raise RequestError(place, f"{count} × {datatype} are {count * dtype.itemsize} bytes, not {len(raw)}")
    found = np.frombuffer(raw, dtype)
    return found.astype(np.float64) if datatype in _FLOATS else found.tolist()


def _texts(raw: memoryview, count: int, place: str) -> list[str]:
    found: list[str] = []
    at = 0
    try:
        while at < len(raw) and len(found) < count:
            size = int.from_bytes(raw[at : at + _SIZE], "little")
            at += _SIZE + size
            if at > len(raw):
                raise RequestError(place, f"element {len(found)} says it has {size} bytes, which are not all there")
            found.append(str(raw[at - size : at], "utf-8"))
    except UnicodeDecodeError:
        raise RequestError(place, f"element {len(found)} is not UTF-8") from None
    if at != len(raw) or len(found) != count:
        more = "more" if at < len(raw) else str(len(found))
        raise RequestError(place, f"expected {count} elements, got {more}")
    return found


def column(told: Sequence[Any] | NDArray[np.float64], kind: Kind, place: str) -> Cells:
    """A column's cells, of elements. Raises RequestError with the place of one that is not of the column's kind.

    >>> column(["3", " ", None], Kind.NUMBER, "$").tolist()
    [3.0, nan, nan]
    """
    if isinstance(told, np.ndarray):
        if np.isinf(told).any():
            raise RequestError(f"{place}[{int(np.isinf(told).argmax())}]", "expected a finite number, or NaN for none")
        if kind in (Kind.NUMBER, Kind.TIME):
            return told
        told = [None if value != value else value for value in told.tolist()]
    convert = cell(kind)
    cells: list[Any] = []
    for index, value in enumerate(told):
        if isinstance(value, str) and len(value) > MOST_TEXT:
            raise RequestError(f"{place}[{index}]", f"the text is longer than {MOST_TEXT} characters", 413)
        try:
            cells.append(convert(value))
        except (ValueError, OverflowError) as fault:
            reason = str(fault) if isinstance(fault, ValueError) else "the number is too large"
            raise RequestError(f"{place}[{index}]", reason) from None
    return np.array(cells, dtype=np.float64) if kind in NUMERIC else Coded.of(cells)


def absent(kind: Kind, count: int) -> Cells:
    """A column of which nothing was sent: every cell is missing."""
    return np.full(count, math.nan) if kind in NUMERIC else Coded(np.full(count, -1, dtype=np.int32), ())


def described(one: Column) -> dict[str, Any]:
    """What the metadata say of a column."""
    told = {"name": one.name, "datatype": TAKES[one.kind][0], "shape": shape_of(one)}
    return {**told, "parameters": {"kind": one.kind.value}}


def packed(values: Sequence[Any] | NDArray[np.float64], datatype: str) -> bytes:
    """Elements as bytes, in the order of rows.

    >>> packed(["no"], "BYTES")
    b'\\x02\\x00\\x00\\x00no'
    """
    if datatype == "BYTES":
        texts = [value.encode() for value in values]
        return b"".join([len(text).to_bytes(_SIZE, "little") + text for text in texts])
    return np.ascontiguousarray(values, dtype=_DTYPES[datatype]).tobytes()


def plain(values: Sequence[Any] | NDArray[np.float64]) -> list[Any]:
    """Elements for JSON, flat, row by row."""
    return values.ravel().tolist() if isinstance(values, np.ndarray) else list(values)


def parameter(parameters: Mapping[str, Any], name: str, kind: type[int] | type[bool], place: str) -> Any:
    """A parameter of the protocol, None where it is not given. Raises RequestError where it is of another type."""
    found = parameters.get(name)
    if found is not None and (type(found) is not kind or found < 0):
        words = "true or false" if kind is bool else "a number of bytes"
        raise RequestError(f"{place}.parameters.{name}", f"expected {words}, got {found!r:.40}")
    return found
