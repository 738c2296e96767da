"""What a bundle's members may hold: arrays, JSON and plain graphs, each checked by its ending before anything loads it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from plimsoll import onnx_check
from plimsoll.errors import BundleError

DTYPES = {"F64": 8, "F32": 4, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "U16": 2, "U64": 8, "U32": 4, "BOOL": 1}
# Little-endian on every machine.
_NUMPY = dict(zip(DTYPES, ("<f8", "<f4", "<i8", "<i4", "<i2", "i1", "u1", "<u2", "<u8", "<u4", "?"), strict=True))
_DTYPE = {np.dtype(held).str: name for name, held in _NUMPY.items()}
_ALIGNED = 8  # bytes
_LARGE = 32 * 2**20  # bytes that are not copied once more
_TAIL = 64  # bytes at the end of a file in which a pickle's last is looked for
MOST_JSON = 64 * 2**20  # parsed, it takes many times its length
MOST_HEADER = 16 * 2**20
MOST_DEPTH = 64


class _Tensor(msgspec.Struct, forbid_unknown_fields=True):
    dtype: str
    shape: list[int]
    data_offsets: tuple[int, int]


def check(name: str, data: bytes | memoryview) -> None:
    """Raises BundleError unless the bytes are what the name's ending says.

    >>> check("trees.json", b"[1, 2]")
    >>> check("trees.json", b"[NaN]")
    Traceback (most recent call last):
    plimsoll.errors.BundleError: trees.json: JSON is malformed: invalid character (byte 1).
    """
    try:
        _CHECKS[name[name.rindex(".") :]](name, data)
    except BundleError:
        # Only now: a sound header of 1,152 bytes begins as a pickle of protocol 4 does.
        if looks := _magic(data):
            raise BundleError(f"{name}: is {looks}, whatever its name says. It is never loaded.") from None
        raise


def arrays_of(name: str, data: bytes | memoryview) -> dict[str, NDArray[Any]]:
    """The arrays of a member of safetensors, by name: views of its bytes, which nobody can write to. Raises BundleError.

    >>> from safetensors.numpy import save
    >>> arrays_of("model.safetensors", save({"weights": np.array([[1.5, 2.5]])}))["weights"].tolist()
    [[1.5, 2.5]]
    """
    tensors, start = _tensors(name, data)
    held = memoryview(data).toreadonly()
    found = {}
    for key, tensor in tensors.items():
        begin, end = tensor.data_offsets
        part = held[start + begin : start + end]
        found[key] = np.frombuffer(part, dtype=_NUMPY[tensor.dtype]).reshape(tensor.shape)
    return found


def parse_json(name: str, data: bytes | memoryview, most: int = MOST_JSON) -> Any:
    """A JSON value of bounded size and depth, every number of it finite. Raises BundleError."""
    if len(data) > most:
        raise BundleError(f"{name}: has {len(data)} bytes of JSON; {most} is the most.")
    try:
        value = msgspec.json.decode(data)
    except RecursionError:
        raise BundleError(f"{name}: is nested deeper than {MOST_DEPTH}.") from None
    except ValueError as fault:  # malformed, of a number out of range, or not UTF-8
        raise BundleError(f"{name}: {fault}.") from None
    _shallow(name, value, MOST_DEPTH)
    return value


def _shallow(name: str, value: Any, left: int) -> None:
    if left == 0:
        raise BundleError(f"{name}: is nested deeper than {MOST_DEPTH}.")
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        if isinstance(part, dict | list):
            _shallow(name, part, left - 1)


def _magic(data: bytes | memoryview) -> str | None:
    if len(data) > 1 and data[0] == 0x80 and data[1] <= 5:
        return "a pickle"
    if data[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
        return "a zip"
    # Protocol 0 has no magic; what runs code in it begins with a global ("c") or a mark ("(").
    return "a pickle" if data[:1] in (b"c", b"(") and bytes(data[-_TAIL:]).rstrip().endswith(b".") else None


def _check_json(name: str, data: bytes | memoryview) -> None:
    parse_json(name, data)


def _check_safetensors(name: str, data: bytes | memoryview) -> None:
    _tensors(name, data)


def _tensors(name: str, data: bytes | memoryview) -> tuple[dict[str, _Tensor], int]:
    """What the header says of each tensor, once it is true of the bytes, and where these begin."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 10 or length > min(MOST_HEADER, len(data) - 8) or data[8:9] != b"{":
        raise BundleError(f"{name}: has no header of safetensors.")
    header = parse_json(name, data[8 : 8 + length], MOST_HEADER)
    header.pop("__metadata__", None)
    try:
        tensors = msgspec.convert(header, dict[str, _Tensor])
    except msgspec.ValidationError as fault:
        raise BundleError(f"{name}: the header is not one of safetensors: {fault}.") from None
    place = 0
    for key, tensor in sorted(tensors.items(), key=lambda item: item[1].data_offsets):
        _check_tensor(name, key, tensor)
        # Without gaps and overlaps nothing can hide between the tensors.
        if tensor.data_offsets[0] != place:
            raise BundleError(f'{name}: the tensor "{key[:60]}" does not begin where the one before it ends.')
        place = tensor.data_offsets[1]
    if place != len(data) - 8 - length:
        raise BundleError(f"{name}: holds {len(data) - 8 - length} bytes of tensors; the header says {place}.")
    return tensors, 8 + length


def _check_tensor(name: str, key: str, tensor: _Tensor) -> None:
    if tensor.dtype not in DTYPES:
        raise BundleError(
            f'{name}: the tensor "{key[:60]}" is of type {tensor.dtype[:20]}; known are {" ".join(DTYPES)}.'
        )
    start, end = tensor.data_offsets
    wanted = math.prod(tensor.shape) * DTYPES[tensor.dtype]
    if len(tensor.shape) > 8 or any(part < 0 for part in tensor.shape) or end - start != wanted:
        raise BundleError(f'{name}: the tensor "{key[:60]}" has {end - start} bytes; its shape says {wanted}.')


def save(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """Arrays as a member of safetensors, the same bytes every time. Of large ones one copy is held, and not three.

    >>> arrays_of("one", save({"b": np.array([1, 2]), "a": np.array([0.5], dtype=np.float32)}))["b"].tolist()
    [1, 2]
    """
    held = {name: np.asarray(array, order="C") for name, array in arrays.items()}
    order = sorted(
        held, key=lambda name: (-held[name].itemsize, name)
    )  # large numbers first: each begins at a multiple of its size
    ends = np.cumsum([held[name].nbytes for name in order], dtype=np.int64).tolist()
    told = {
        name: {
            "dtype": _DTYPE[held[name].dtype.str],
            "shape": held[name].shape,
            "data_offsets": (end - held[name].nbytes, end),
        }
        for name, end in zip(order, ends, strict=True)
    }
    header = msgspec.json.encode(told)
    header += b" " * (-len(header) % _ALIGNED)
    whole = np.empty(8 + len(header) + (ends[-1] if ends else 0), dtype=np.uint8)
    whole[: 8 + len(header)] = np.frombuffer(len(header).to_bytes(8, "little") + header, dtype=np.uint8)
    for name, end in zip(order, ends, strict=True):
        start = 8 + len(header) + end
        whole[start - held[name].nbytes : start] = held[name].reshape(-1).view(np.uint8)
    return whole.tobytes() if whole.nbytes < _LARGE else cast(bytes, memoryview(whole.data).toreadonly())


def load(data: bytes | memoryview) -> dict[str, NDArray[Any]]:
    """The same as arrays of their own; of a large member, which is mapped from its file, as views."""
    if isinstance(data, memoryview):
        return arrays_of("a member", data)
    from safetensors.numpy import load as read

    return dict(read(data))


def _check_arrow(name: str, data: bytes | memoryview) -> None:
    if len(data) < 20 or data[:8] != b"ARROW1\0\0" or data[-6:] != b"ARROW1":
        raise BundleError(f"{name}: is not an Arrow file.")


_CHECKS = {
    ".json": _check_json,
    ".safetensors": _check_safetensors,
    ".onnx": lambda name, data: onnx_check.check(name, bytes(data)),
    ".arrow": _check_arrow,
}
