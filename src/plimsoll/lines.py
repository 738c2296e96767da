"""The lines of a text file, gzipped or not."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from plimsoll.errors import DataError


def lines(path: Path, keep_mark: bool = False) -> Iterator[str]:
    """The lines, without a byte order mark. Raises DataError where the text is not UTF-8 or the file is damaged."""
    opener: Callable[[Path, str], Any] = gzip.open if path.name.lower().endswith(".gz") else open
    try:
        with opener(path, "rb") as stream:
            for number, line in enumerate(stream, 1):
                try:
                    yield line.decode("utf-8-sig" if number == 1 and not keep_mark else "utf-8")
                except UnicodeDecodeError:
                    raise DataError(f"{path}, line {number}: the text is not UTF-8. Save the file as UTF-8.") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as fault:
        raise DataError(f"{path}: the gzip file is damaged ({fault}). Fetch or write it again.") from None
    except OSError as fault:
        raise DataError(f"{path}: cannot be read ({fault.strerror or fault}). Check the file and its rights.") from None
