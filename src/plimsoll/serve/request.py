"""From a request's bytes to rows of values, by a decoder made from the schema; every fault with its place."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
import numpy as np

from plimsoll.errors import RequestError, nearest
from plimsoll.one_cell import CONVERT, WANTED, Always, cell
from plimsoll.rows import Value
from plimsoll.schema import MOST_CHANNELS, Column, Kind, Layout, Schema

__all__ = ["WANTED", "Reader", "cell"]

MOST_ROWS = 1_000
MOST_TEXT = 100_000
MOST_FRAMES = 1_000_000

Values = tuple[Value, ...]

_NAN = math.nan
_FLAT = msgspec.json.Decoder(list[float])
_NUMBER = b"0123456789+-.eE \t\r\n"  # what numbers are written with, and what may stand around them
_Frame = Annotated[list[float], msgspec.Meta(max_length=MOST_CHANNELS)]
_Text = Annotated[str, msgspec.Meta(max_length=MOST_TEXT)]
WIRE: dict[Kind, tuple[Any, Any]] = {  # what JSON may hold, and what a missing cell is
    Kind.NUMBER: (float | _Text | None, _NAN),
    Kind.BOOLEAN: (bool | int | float | _Text | None, _NAN),
    Kind.TIME: (float | _Text | None, _NAN),
    Kind.CATEGORY: (_Text | int | float | bool | None, None),
    Kind.ID: (_Text | int | float | bool | None, None),
    Kind.TEXT: (_Text | None, None),
    Kind.SIGNAL: (msgspec.Raw, msgspec.Raw(b"null")),  # read once its channels are known
}
_GOT = {"str": "text", "int": "a number", "float": "a number", "bool": "a boolean", "array": "a list"}


# msgspec cannot name a field with these, so on the way in they are exchanged for characters that no name has.
_ODD = {code: 0xF0000 + code for code in (*range(32), ord('"'), ord("\\"))}
_BACK = {private: code for code, private in _ODD.items()}


def _exchanged(value: Any) -> Any:
    """A JSON value with such characters exchanged in the names of its fields."""
    if isinstance(value, list):
        return [_exchanged(part) for part in value]
    return (
        {name.translate(_ODD): _exchanged(part) for name, part in value.items()} if isinstance(value, dict) else value
    )


_FRAMES = msgspec.json.Decoder(Annotated[list[_Frame], msgspec.Meta(max_length=MOST_FRAMES)] | None)


def _signal(layout: Layout) -> Callable[[Any], Value]:
    """Frames as an array; what a frame holds is what the sensors gave, so none may be missing."""
    channels = len(layout.channels)

    def convert(value: Any) -> Value:
        told = bytes(value)
        numbers = _numbers(told, channels)
        if numbers is None:
            numbers = _framed(_FRAMES.decode(told) or [], channels)
        with np.errstate(over="ignore"):
            found = np.array(numbers, dtype=np.float32).reshape(-1, channels)
        if not np.isfinite(found).all():
            raise ValueError(f"frame {int(np.argwhere(~np.isfinite(found))[0, 0])} holds a number that is too large")
        return found

    return convert


def _numbers(told: bytes, channels: int) -> list[float] | None:
    """The numbers of frames, one after another, told [[1, 2], [3, 4]]; None where they are told otherwise.

    A list for each of the many frames of a recording would take ten times as long as the numbers themselves. ``told`` is
    JSON: where all that is left without its numbers are the brackets and commas of frames, they are frames.

    >>> _numbers(b"[[1, 2], [3, 4.5]]", 2), _numbers(b"[[1, 2], [3]]", 2)
    ([1.0, 2.0, 3.0, 4.5], None)
    """
    many = told.count(b"[") - 1
    frame = b"[" + b"," * (channels - 1) + b"]"
    if not 0 < many <= MOST_FRAMES or told.translate(None, _NUMBER) != b"[" + b",".join([frame] * many) + b"]":
        return None
    try:
        found = _FLAT.decode(b"[" + told.translate(None, b"[]") + b"]")
    except ValueError:
        return None
    return found if len(found) == many * channels else None


def _framed(frames: list[list[float]], channels: int) -> list[float]:
    """The numbers of frames one after another. Raises ValueError for a frame of other channels."""
    odd = next((place for place, frame in enumerate(frames) if len(frame) != channels), None)
    if odd is not None:
        raise ValueError(f"frame {odd} has {len(frames[odd])} numbers; {channels} channels are due")
    return [number for frame in frames for number in frame]


def _converted(column: Column) -> tuple[type, Callable[[Any], Value]]:
    return (Always, _signal(column.layout)) if column.layout is not None else CONVERT[column.kind]


class Reader:
    """Reads requests for one schema.

    >>> from plimsoll.schema import Column
    >>> reader = Reader(Schema((Column("age", Kind.NUMBER), Column("job", Kind.CATEGORY)), "y"))
    >>> reader.read(b'{"age": 39, "job": 3}')
    ([(39.0, '3')], False)
    >>> reader.read(b'{"rows": [{"age": 39}, {"age": "old"}]}')
    Traceback (most recent call last):
    plimsoll.errors.RequestError: $.rows[1].age: expected a number or null, got "old"
    """

    def __init__(self, schema: Schema, most_rows: int = MOST_ROWS) -> None:
        self._schema = schema
        self._most = most_rows
        # Column names may be any text, so the struct's own names are plain and the names on the wire are theirs.
        safe = {f"f{place}": column for place, column in enumerate(schema.columns)}
        row = msgspec.defstruct(
            "Row",
            [(name, *WIRE[column.kind]) for name, column in safe.items()],
            rename={name: column.name.translate(_ODD) for name, column in safe.items()},
            forbid_unknown_fields=True,
            gc=False,
        )
        rows = Annotated[list[row], msgspec.Meta(max_length=most_rows)]  # type: ignore[valid-type]
        envelope = msgspec.defstruct("Rows", [("rows", rows)], forbid_unknown_fields=True)
        self._odd = any(column.name.translate(_ODD) != column.name for column in schema.columns)
        self._row = msgspec.json.Decoder(row)
        self._list: msgspec.json.Decoder[Any] = msgspec.json.Decoder(rows)
        self._envelope = msgspec.json.Decoder(envelope)
        converted = [_converted(column) for column in schema.columns]
        self._types = tuple(kind for kind, _ in converted)
        self._converters = [convert for _, convert in converted]
        self._texts = [(place, self._converters[place]) for place, kind in enumerate(self._types) if kind is str]

    def read(self, body: bytes) -> tuple[list[Values], bool]:
        """The rows, and whether a list was asked about. Raises RequestError."""
        if self._odd:
            body = self._plain(body)
        if body.lstrip()[:1] == b"[":
            return self._many(self._decode(self._list, body, "$"), "$"), True
        try:
            row = self._row.decode(body)
        except (ValueError, RecursionError) as fault:
            if not self._enveloped(body, fault):
                raise self._fault(fault, "$") from None
            return self._many(self._decode(self._envelope, body, "$").rows, "$.rows"), True
        try:
            return [self._values(row)], False
        except (ValueError, OverflowError):
            raise self._cell_fault(row, "$") from None

    def _plain(self, body: bytes) -> bytes:
        try:
            return msgspec.json.encode(_exchanged(msgspec.json.decode(body)))
        except (ValueError, OverflowError, RecursionError) as fault:
            raise self._fault(fault, "$") from None

    def _enveloped(self, body: bytes, fault: Exception) -> bool:
        """A list under "rows"; where a column is called that too, the list says which of the two is meant."""
        if "rows" in self._schema.names:
            return re.match(rb'\s*\{\s*"rows"\s*:\s*\[', body) is not None
        return str(fault).startswith("Object contains unknown field `rows`")

    def _decode(self, decoder: msgspec.json.Decoder[Any], body: bytes, place: str) -> Any:
        try:
            return decoder.decode(body)
        except (ValueError, RecursionError) as fault:
            raise self._fault(fault, place) from None

    def _values(self, row: Any) -> Values:
        values: Values = msgspec.structs.astuple(row)
        # Most rows have nothing missing, and one comparison of types says so in a third of the time.
        if tuple(map(type, values)) == self._types:
            cells = list(values)
            for place, convert in self._texts:
                cells[place] = convert(cells[place])
            return tuple(cells)
        return tuple([convert(cell) for cell, convert in zip(values, self._converters, strict=True)])

    def _many(self, rows: list[Any], place: str) -> list[Values]:
        values = []
        for index, row in enumerate(rows):
            try:
                values.append(self._values(row))
            except (ValueError, OverflowError):
                raise self._cell_fault(row, f"{place}[{index}]") from None
        return values

    def _cell_fault(self, row: Any, place: str) -> RequestError:
        """Which cell it was: looked for only once one has failed."""
        for column, found, convert in zip(
            self._schema.columns, msgspec.structs.astuple(row), self._converters, strict=True
        ):
            try:
                convert(found)
            except msgspec.ValidationError as fault:
                return self._fault(fault, f"{place}.{column.name}")
            except (ValueError, OverflowError) as fault:
                return RequestError(f"{place}.{column.name}", str(fault))
        return RequestError(place, "a value is out of range")

    def _fault(self, fault: Exception, place: str) -> RequestError:
        if not isinstance(fault, msgspec.ValidationError):
            return RequestError("$", f"the body is not JSON: {fault}", 400)
        text, _, found = str(fault).translate(_BACK).partition(" - at `$")
        path = place + found[:-1]
        if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", text, re.DOTALL):
            return self._unknown(path, unknown[1])
        if text.startswith("Expected `array` of length <="):
            return RequestError(path, f"more than {self._most} rows. Send them in several requests.", 413)
        if text.startswith("Expected `str` of length <="):
            return RequestError(path, f"the text is longer than {MOST_TEXT} characters", 413)
        wrong = re.fullmatch(r"Expected `(.*)`, got `(.*)`", text)
        if wrong is None:
            return RequestError(path, text[:1].lower() + text[1:])
        return RequestError(path, f"expected {self._wanted(path, wrong[1])}, got {_GOT.get(wrong[2], wrong[2])}")

    def _wanted(self, path: str, otherwise: str) -> str:
        """In the user's words where the place is a cell."""
        _, dot, name = re.sub(r"^\$(\.rows(?=\[))?(\[\d+\])?", "", path).partition(".")
        known = {column.name: WANTED[column.kind] for column in self._schema.columns}
        return known[name] if dot and name in known else {"object": "a row such as {…}"}.get(otherwise, otherwise)

    def _unknown(self, path: str, name: str) -> RequestError:
        if name in self._schema.ignored or name == self._schema.target:
            return RequestError(f"{path}.{name}", "the model does not read this column. Leave it out.")
        return RequestError(
            f"{path}.{name[:100]}", f"there is no such column. {nearest(name[:100], self._schema.names)}"
        )
