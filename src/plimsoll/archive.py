"""The files of a bundle, as a folder or as one file, read as what they are: untrusted.

Nothing is extracted and nothing is followed: names are read exactly as the manifest lists them.
"""

from __future__ import annotations

import mmap
import os
import re
import stat
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from plimsoll.errors import BundleError

MANIFEST = "bundle.json"
MOST_MEMBERS = 64
MOST_BYTES = 2_000_000_000
MOST_MANIFEST = 16 * 2**20
ENDINGS = (".json", ".safetensors", ".onnx", ".arrow")

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
# One file: the end record stands in the last 22 bytes, for a bundle has no comment and needs no zip64.
_END = struct.Struct("<4s4H2LH")
_MOST_DIRECTORY = (MOST_MEMBERS + 1) * 256

_MAPPED = (
    32 * 2**20
)  # bytes of a file that is mapped: pages that nobody asks for take no memory, and workers share the others

# Reads one file by its exact name: (name, most bytes) → its bytes, at most one more than that. Those of a large one are a view of
# the file; whoever may write there could change them later, so what is made of them is checked by its bounds as it is used.
Take = Callable[[str, int], bytes]


def name_fault(name: str) -> str | None:
    """Why a member may not be called this, or None.

    >>> name_fault("../trees.json")
    'is outside the bundle'
    >>> name_fault("trees.json") is None
    True
    """
    if "\\" in name or ":" in name:
        return "holds a backslash or a drive"
    if name.startswith("/") or ".." in name.split("/"):
        return "is outside the bundle"
    if not _NAME.fullmatch(name):
        return "is not a plain file name"
    if name == MANIFEST:
        return "is the bundle's own"
    if not name.endswith(ENDINGS):
        return f"ends in none of {' '.join(ENDINGS)}"
    return None


@contextmanager
def opened(path: Path) -> Iterator[tuple[frozenset[str], Take]]:
    """The names in a bundle, and the way to read one of them. Raises BundleError."""
    try:
        if path.is_dir():
            yield _folder(path)
        else:
            with path.open("rb") as file:
                _check_end(path, file)
                yield _one_file(path, file)
    except OSError as fault:
        raise BundleError(f"{path}: cannot be read: {fault.strerror or fault}.") from None


def _folder(path: Path) -> tuple[frozenset[str], Take]:
    names = set()
    with os.scandir(path) as entries:
        for entry in entries:
            names.add(entry.name)
            if len(names) > MOST_MEMBERS + 1:
                raise BundleError(f"{path}: holds more than {MOST_MEMBERS} members.")
    return frozenset(names), lambda name, most: _take_file(path / name, most)


def _take_file(path: Path, most: int) -> bytes:
    if path.is_symlink():
        raise BundleError(f"{path.name}: is a link. A bundle holds plain files.")
    # O_NOFOLLOW: the file that was looked at is the file that is opened, or none is. O_NONBLOCK: a pipe does not hang.
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise BundleError(f"{path.name}: is not a plain file.")
        if facts.st_nlink > 1:
            raise BundleError(f"{path.name}: has {facts.st_nlink} hard links. Copy the bundle, do not link it.")
        if facts.st_size >= _MAPPED and facts.st_size <= most:
            return _view(handle)
        return file.read(most + 1)


def contents(path: Path) -> bytes:
    """The bytes of a file of the house's own; of a large one as a view, which takes no memory before it is looked at."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size < _MAPPED:
            return file.read()
        return _view(file.fileno())


def _view(handle: int) -> bytes:
    return cast(bytes, memoryview(mmap.mmap(handle, 0, access=mmap.ACCESS_READ)))


def _check_end(path: Path, file: Any) -> None:
    """The directory of one file is small and plain, before anything reads it."""
    size = file.seek(0, os.SEEK_END)
    if size > MOST_BYTES + MOST_MANIFEST + 2 * _MOST_DIRECTORY:
        raise BundleError(f"{path.name}: is larger than {MOST_BYTES} bytes.")
    file.seek(max(0, size - 42))
    tail = file.read()
    if len(tail) < _END.size or tail[-22:-18] != b"PK\x05\x06":
        raise BundleError(f"{path.name}: is neither a bundle's folder nor its one file. Write it with plimsoll.")
    _, _, _, _, entries, directory, _, _ = _END.unpack(tail[-22:])
    if entries > MOST_MEMBERS + 1 or directory > _MOST_DIRECTORY:
        raise BundleError(f"{path.name}: holds more than {MOST_MEMBERS} members.")
    if tail[:4] == b"PK\x06\x07":
        raise BundleError(f"{path.name}: is a zip64. A bundle's one file is a plain zip.")


def _one_file(path: Path, file: Any) -> tuple[frozenset[str], Take]:
    import zipfile  # half a dozen modules that a folder does not need

    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as fault:
        raise BundleError(f"{path.name}: is damaged: {fault}.") from None
    infos: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        # orig_filename: zipfile cuts a name at a zero byte, and turns backslashes round on some systems.
        name = info.orig_filename
        if name in infos:
            raise BundleError(f"{path.name}: {name} is there twice.")
        _check_entry(name, info)
        infos[name] = info

    def take(name: str, most: int) -> bytes:
        if infos[name].file_size > most:
            raise BundleError(f"{name}: declares {infos[name].file_size} bytes; {most} were expected.")
        try:
            with archive.open(infos[name]) as member:
                return member.read(most + 1)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError) as fault:
            raise BundleError(f"{name}: is damaged: {fault}.") from None

    return frozenset(infos), take


def _check_entry(name: str, info: Any) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if info.compress_type != 0:
        raise BundleError(f"{name}: is compressed. A bundle's members are stored as they are.")
    if info.file_size != info.compress_size:
        raise BundleError(f"{name}: declares {info.file_size} bytes but takes {info.compress_size}.")
    if kind not in (0, stat.S_IFREG):
        raise BundleError(f"{name}: is a link or no plain file.")
    if info.flag_bits & 0x41:
        raise BundleError(f"{name}: is encrypted.")
    if name != MANIFEST and (fault := name_fault(name)):
        raise BundleError(f'"{name}" {fault}.')


def pack_files(files: Mapping[str, bytes], target: Any) -> None:
    """One file of these, uncompressed, with nothing in it that changes from day to day."""
    import zipfile

    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name, data in files.items():
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(info, data)
