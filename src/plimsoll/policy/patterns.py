"""Regular expressions that mean the same to RE2, which answers one event, and to Rust's engine, which answers a history.

Both take time linear in the length of the text, whatever the pattern. Shorthands mean ASCII in both: what they hold is
written out, and what the two would read differently is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from plimsoll.errors import MissingExtra, PolicyError

LONGEST = 300  # letters of a pattern
_MEMORY = 1 << 20  # bytes that a compiled pattern may take
_HELD = {"d": "0-9", "w": "0-9A-Za-z_", "s": "\t\n\f\r "}
_SAME = "ntrfv"  # escapes of one letter
_GROUPS = ("(?:", "(?i)", "(?i:")


@dataclass(frozen=True)
class Pattern:
    """A pattern as each engine takes it."""

    re2: str
    rust: str


def read(pattern: str, where: str) -> Pattern:
    """Raises PolicyError in one line.

    >>> read(r"\\bfree[^\\d]+", "rule a")
    Pattern(re2='\\\\bfree[^0-9]+', rust='(?-u:\\\\b)free[^0-9]+')
    """
    if len(pattern) > LONGEST:
        raise PolicyError(f"{where}: a pattern has {len(pattern)} letters, and at most {LONGEST} are read.")
    if any(ord(letter) < 32 for letter in pattern):
        raise PolicyError(f"{where}: a pattern holds a control character. Put an r before the quotes: r'…'.")
    parts = list(_parts(pattern, where))
    found = Pattern("".join(one for one, _ in parts), "".join(other for _, other in parts))
    search(found, where)
    return found


def search(pattern: Pattern, where: str = "") -> Callable[[str], Any]:
    """What looks for the pattern in a text, and gives None where it is not. Raises PolicyError and MissingExtra."""
    try:
        import re2  # only a policy that has a pattern needs it
    except ImportError:
        raise MissingExtra("Patterns need google-re2. Install it: pip install 'plimsoll[serve]'.") from None
    options = re2.Options()
    options.max_mem, options.log_errors = _MEMORY, False
    try:
        held = re2.compile(pattern.re2, options)
    except re2.error as fault:
        said = fault.args[0].decode() if isinstance(fault.args[0], bytes) else fault.args[0]
        raise PolicyError(f'{where}: the pattern "{pattern.re2}" cannot be read: {said}.') from None
    found: Callable[[str], Any] = held.search
    return found


def _parts(pattern: str, where: str) -> Iterator[tuple[str, str]]:
    """(as RE2 reads it, as Rust does) of one piece of the pattern after another."""
    inside, k = False, 0
    while k < len(pattern):
        letter, rest = pattern[k], pattern[k:]
        k += 1
        if letter == "\\":
            k += 1
            yield _escaped(rest[1:2], inside, where)
        elif inside and letter == "]":
            inside = False
            yield "]", "]"
        elif inside:
            if letter == "[" or rest[:2] in ("&&", "--", "~~"):
                raise PolicyError(f'{where}: "{rest[:2]}" in brackets is read differently by others. Write \\{letter}.')
            yield letter, letter
        elif letter == "[":
            inside = True
            opened = "[^" if rest[1:2] == "^" else "["
            k += len(opened) - 1
            if pattern[k : k + 1] == "]":  # one that comes first is no end
                k += 1
                opened += r"\]"
            yield opened, opened
        elif rest.startswith("(?") and not rest.startswith(_GROUPS):
            raise PolicyError(f'{where}: "{rest[:4]}" in a pattern is not known. There are: {" ".join(_GROUPS)}.')
        else:
            yield letter, letter


def _escaped(letter: str, inside: bool, where: str) -> tuple[str, str]:
    """What stands behind a backslash."""
    if letter in _HELD:
        held = _HELD[letter] if inside else f"[{_HELD[letter]}]"
        return held, held
    if letter and letter.lower() in _HELD and not inside:
        other = f"[^{_HELD[letter.lower()]}]"
        return other, other
    if letter in ("b", "B") and letter and not inside:
        return f"\\{letter}", f"(?-u:\\{letter})"
    if letter and (letter in _SAME or (letter.isascii() and not letter.isalnum())):
        return f"\\{letter}", f"\\{letter}"
    raise PolicyError(
        f'{where}: "\\{letter}" in a pattern is not known. There are: \\d \\w \\s \\b and letters like \\. themselves.'
    )
