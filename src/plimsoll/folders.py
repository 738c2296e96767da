"""Which files of a folder hold samples, which one is the table, and what the names of folders say of a recording."""

from __future__ import annotations

import glob
import os
from pathlib import Path
from typing import Any

from plimsoll import data, parquet_files, signal_files
from plimsoll.errors import DataError, JobError
from plimsoll.job import Sensor


def of_samples(source: Path) -> tuple[Path, list[Path]] | None:
    """The folder and its files of samples, where the source is no table."""
    if source.is_dir():
        if any(_is_table(file) for file in source.iterdir() if file.is_file()):
            return None
        held = [file for file in source.rglob("*") if _holds_samples(file) and not file.name.startswith(".")]
        return (source, sorted(held)) if held else None
    if source.is_file():
        return (source.parent, [source]) if _holds_samples(source) else None
    named = sorted(Path(name) for name in glob.glob(str(source)))
    if not named or not all(_holds_samples(file) for file in named):
        return None
    return Path(os.path.commonpath([file.parent for file in named])), named


def _is_table(file: Path) -> bool:
    if signal_files.are_events(file) or not file.name.lower().endswith(data.ENDINGS):
        return False
    return file.suffix.lower() != ".parquet" or _lists(file)


def _holds_samples(file: Path) -> bool:
    return (
        file.is_file()
        and file.suffix.lower() in signal_files.ENDINGS
        and not (file.suffix.lower() == ".parquet" and _lists(file))
    )


def _lists(file: Path) -> bool:
    try:
        return parquet_files.is_table(file)
    except DataError:  # what is broken is told of where it is read
        return False


def table(source: Any) -> Any:
    """The table of a folder, without the tables of events beside it."""
    if not isinstance(source, str | Path) or not Path(source).is_dir():
        return source
    tables = [file for file in Path(source).iterdir() if file.is_file() and _is_table(file)]
    return tables[0] if len(tables) == 1 else source


def base(source: Any) -> Path:
    """The folder that names in a table start from."""
    if not isinstance(source, str | Path):
        return Path()
    return Path(source) if Path(source).is_dir() else Path(source).parent


def held_in(folder: Path, sensor: Sensor) -> Path:
    """The file that holds the samples of all recordings: the one that the job names, or the only one. Raises JobError."""
    if sensor.file:
        return folder / sensor.file
    found = sorted(path for path in folder.iterdir() if _holds_samples(path))
    if len(found) != 1:
        many = "none" if not found else ", ".join(path.name for path in found[:5])
        raise JobError(
            f"--signals is missing: of the files in {folder or Path.cwd()}, {many} can hold the samples. Name one."
        )
    return found[0]


def said(file: Path) -> dict[str, str]:
    """What the folders on the way to a file say: ``person=P01`` of a person, and another name of nothing yet.

    >>> said(Path("person=P01/left/take.wav"))
    {'person': 'P01', 'folder': 'left'}
    """
    parts = file.parts[:-1]
    found = {
        name: value for name, equals, value in (part.partition("=") for part in parts) if equals and name and value
    }
    plain = "/".join(part for part in parts if "=" not in part)
    return found | ({"folder": plain} if plain else {})
