r"""How a cell may be written: one rule for files and for requests, so that the same row gives the same answer.

A file is read by columns and a request by cells. Both take the patterns and the arithmetic from here; what a column
does for speed (see ``cells``) is tested against the functions for one cell.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

# What str.strip takes for white; polars by itself leaves four of them.
WHITE = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
# Year, month, day; hour, minute, second and its decimals; the offset's sign, hours and minutes.
MOMENT = (
    r"^([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})"
    r"(?:[Tt ]([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:[.,]([0-9]+))?)?"
    r" ?(?:[Zz]|([+-])([0-9]{2})(?::?([0-9]{2}))?)?)?$"
)
BOOLEANS = {"true": 1.0, "yes": 1.0, "y": 1.0, "t": 1.0, "false": 0.0, "no": 0.0, "n": 0.0, "f": 0.0}
# What stands for nothing where a feature is a category. These are the words that pandas reads as missing too, so that a
# table read by pandas is the same table. In a column to predict they are classes like others.
ABSENT = frozenset(
    ("#N/A", "#N/A N/A", "#NA", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "-NaN", "-nan")
)
TIDY = frozenset("0123456789.eEN")  # how a text ends that ``category_text`` may have to change

_NUMBER = re.compile(NUMBER)
_MOMENT = re.compile(MOMENT)
_WHOLE = re.compile(r"([+-]?)0*([0-9]+)(?:\.0*)?")


def number(text: str) -> float | None:
    """A decimal number, or None where the text is none or is beyond what a float holds.

    >>> number(" -1.5e3 "), number("1,5"), number("1e999")
    (-1500.0, None, None)
    """
    text = text.strip()
    value = float(text) if _NUMBER.match(text) else math.inf
    return value if math.isfinite(value) else None


def boolean(text: str) -> float | None:
    """1.0 or 0.0, or None where the text is neither.

    >>> boolean("Yes"), boolean("f"), boolean("0.0"), boolean("2")
    (1.0, 0.0, 0.0, None)
    """
    value = BOOLEANS.get(text.strip().lower())
    value = number(text) if value is None else value
    return value if value in (0.0, 1.0) else None


def seconds(text: str) -> float | None:
    """A date or time as seconds since 1970 in UTC, or None where the text is none. One without an offset is UTC.

    >>> seconds("1970-01-02"), seconds("1970/1/1 01:00:00.5+01:00"), seconds("31/12/1970")
    (86400.0, 0.5, None)
    """
    found = _MOMENT.match(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, decimals, sign, *offset = found.groups()
    parts = [int(part or 0) for part in (year, month, day, hour, minute, second, *offset)]
    micro = int((decimals or "")[:6].ljust(6, "0"))
    since, real = microseconds(parts, micro, sign == "-")
    return float(since / 1e6) if real else None


def microseconds(parts: Sequence[Any], micro: Any, west: Any) -> tuple[Any, Any]:
    """Microseconds since 1970 in UTC, and whether there is such a moment; of whole numbers or of arrays of them.

    ``parts`` are year, month, day, hour, minute, second, and the hours and minutes of the offset, which is east of UTC
    or west. Days are counted as Hinnant does (2013): years begin in March, so that the leap day is their last.
    """
    year, month, day, hour, minute, second, ahead, apart = parts
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    length = 30 + (month + month // 8) % 2 - (month == 2) * (2 - leap)
    real = (month >= 1) & (month <= 12) & (day >= 1) & (day <= length)
    real = real & (hour <= 23) & (minute <= 59) & (second <= 59) & (ahead <= 23) & (apart <= 59)
    march = year - (month <= 2)
    days = march * 365 + march // 4 - march // 100 + march // 400 + (153 * ((month + 9) % 12) + 2) // 5 + day - 719469
    offset = (ahead * 60 + apart) * (1 - 2 * west)
    return (((days * 24 + hour) * 60 + minute - offset) * 60 + second) * 1_000_000 + micro, real


def category_text(text: str) -> str:
    """A category as it is kept: stripped, and where it is written as a number or a boolean, in one way.

    A reader of files makes numbers of a column of numbers and texts of a column in which one cell is a word; so that
    a cell is the same category in both, 3, 3.0, +3 and 003 are one. NaN is no category.

    >>> category_text("3.0"), category_text("007"), category_text("1.50"), category_text("1e3")
    ('3', '7', '1.5', '1000')
    >>> category_text(" cook "), category_text("True"), category_text("NaN")
    ('cook', 'true', '')
    """
    text = text.strip()
    if text[-1:] not in TIDY:
        return text
    if text[0] in "+-.0123456789" and _NUMBER.match(text):
        if whole := _WHOLE.fullmatch(text):  # digit by digit, for a float would round a long one
            sign, digits = whole.groups()
            return f"-{digits}" if sign == "-" and digits != "0" else digits
        return number_text(float(text))
    if text[0] in "tTfF" and text.lower() in ("true", "false"):
        return text.lower()
    return "" if text == "NaN" else text


def feature_text(text: str) -> str:
    """``category_text`` of a feature: a word that stands for nothing is nothing.

    >>> feature_text(" NA "), feature_text("none"), feature_text("07")
    ('', 'none', '7')
    """
    return "" if text.strip() in ABSENT else category_text(text)


def number_text(value: float) -> str:
    """A number as a category.

    >>> number_text(3.0), number_text(0.5), number_text(-0.0)
    ('3', '0.5', '0')
    """
    return str(int(value)) if value.is_integer() else repr(value)
