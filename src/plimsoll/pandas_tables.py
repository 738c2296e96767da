"""Tables that pandas wrote into an HDF5 file, read with h5py alone. What is pickled in them is read as data, and never run."""

from __future__ import annotations

import pickletools
import re
from typing import Any

import numpy as np

_MOST = 1 << 26  # bytes of a table
_NAMES = re.compile(r"^a?V(.*)$", re.MULTILINE)  # of columns, as a list in the first of pickle's protocols
_MARK = object()
_PLAIN = (
    "SHORT_BINUNICODE",
    "BINUNICODE",
    "BINUNICODE8",
    "BININT",
    "BININT1",
    "BININT2",
    "BINFLOAT",
    "SHORT_BINBYTES",
    "BINBYTES",
    "LONG1",
)
_WORDS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_SILENT = ("PROTO", "FRAME", "STOP")


def columns(group: Any) -> dict[str, list[Any]] | None:
    """The columns of the table that a group holds (``to_hdf`` in either format), None where it holds none that can be read."""
    kind = group.attrs.get("pandas_type")
    kind = kind.decode("latin-1") if isinstance(kind, bytes) else kind
    if kind == "frame_table":
        return _appendable(group)
    return _fixed(group) if kind == "frame" else None


def _appendable(group: Any) -> dict[str, list[Any]] | None:
    if "table" not in group or group["table"].nbytes > _MOST:
        return None
    table = group["table"]
    rows, found = table[()], {}
    for name in table.dtype.names or ():
        said = table.attrs.get(f"{name}_kind", b"")
        names = _NAMES.findall(said.decode("latin-1") if isinstance(said, bytes) else str(said)) or [name]
        cells = rows[name].reshape(len(rows), -1)
        if name != "index" and cells.shape[1] == len(names):
            found.update({str(each): cells[:, k].tolist() for k, each in enumerate(names)})
    return found


def _fixed(group: Any) -> dict[str, list[Any]] | None:
    found: dict[str, list[Any]] = {}
    for k in range(int(group.attrs.get("nblocks", 0))):
        items, values = group.get(f"block{k}_items"), group.get(f"block{k}_values")
        if items is None or values is None or values.nbytes > _MOST:
            continue
        cells = _unpickled(values[0].tobytes()) if values.dtype == object and len(values) else values[()]
        if cells is None or cells.ndim not in (1, 2):
            continue
        if cells.ndim == 1:
            cells = cells[:, None]  # newer versions keep each column of texts by itself
        elif not values.attrs.get("transposed"):
            cells = cells.T
        names = [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in items[()]]
        found.update({name: cells[:, j].tolist() for j, name in enumerate(names) if j < cells.shape[1]})
    return found or None


class _Made:
    """What a pickle would have called something for."""

    state: Any = None


def _unpickled(data: bytes) -> np.ndarray[Any, Any] | None:
    """The cells of a pickled array of texts and numbers, by reading its words and calling nothing; None for any other pickle."""
    try:
        top = _walked(data)
        _, shape, _, _, cells = top.state
        flat = np.empty(len(cells), dtype=object)
        flat[:] = cells
        return flat.reshape(shape)
    except Exception:  # a pickle of another make, or none at all
        return None


def _walked(data: bytes) -> Any:
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for word, value, _ in pickletools.genops(data[:_MOST]):
        name = word.name
        if name in _PLAIN:
            stack.append(value)
        elif name in _WORDS:
            stack.append(_WORDS[name])
        elif name in ("MEMOIZE", "BINPUT", "LONG_BINPUT"):
            memo[len(memo) if value is None else int(value)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            stack.append(memo[int(value or 0)])
        elif name not in _SILENT:
            _shape(name, stack)
    return stack[-1]


def _shape(name: str, stack: list[Any]) -> None:
    """The words that put things together."""
    if name in ("MARK", "EMPTY_LIST", "EMPTY_TUPLE", "GLOBAL"):
        stack.append({"MARK": _MARK, "EMPTY_LIST": [], "EMPTY_TUPLE": ()}.get(name))
    elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
        many = int(name[-1])
        stack[-many:] = [tuple(stack[-many:])]
    elif name in ("TUPLE", "APPENDS"):
        at = len(stack) - 1 - next(k for k, each in enumerate(reversed(stack)) if each is _MARK)
        several = stack[at + 1 :]
        del stack[at:]
        if name == "TUPLE":
            stack.append(tuple(several))
        else:
            stack[-1].extend(several)
    elif name == "APPEND":
        stack[-2].append(stack.pop())
    elif name in ("STACK_GLOBAL", "REDUCE"):
        stack[-2:] = [_Made()]
    elif name == "BUILD":
        state = stack.pop()
        stack[-1].state = state
    else:
        raise ValueError(name)
