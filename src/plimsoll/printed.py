"""What may stand in a terminal: letters that it does not obey, and columns that line up."""

from __future__ import annotations

from collections.abc import Sequence


def printable(line: str) -> str:
    """The line without what a terminal would obey: a name from somebody's file could hold an escape sequence.

    >>> printable("a\\x1b[2Jb")
    'a�[2Jb'
    """
    return "".join(character if character.isprintable() else "�" for character in line)


def clipped(line: str, width: int) -> str:
    """The same, no longer than so many letters.

    >>> clipped("the last of the mohicans  ", 9)
    'the last…'
    """
    clean = printable(line).rstrip()
    return clean if len(clean) <= width else clean[: width - 1] + "…"


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns two spaces apart: the first to the left, figures to the right.

    >>> columns([["ann", "1"], ["bo", "12"]])
    ['ann   1', 'bo   12']
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
