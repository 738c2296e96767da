"""Every exception that Plimsoll raises on purpose.

PlimsollError
├── UserError            the user must change something (exit code 2)
│   ├── JobError         the job statement
│   ├── DataError        the rows
│   ├── LimitError       the limits
│   ├── BundleError      a bundle that is damaged, hostile or of another version
│   ├── PolicyError      a policy that cannot be understood, or cannot keep what it promises
│   ├── RequestError     a request that the server refuses
│   └── MissingExtra     a part of the program that is not installed
├── NothingFits          no model met the limits (exit code 3)
└── TrialError           a recipe broke a promise; the run goes on
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class PlimsollError(Exception):
    """The root: catch this to catch them all."""


class UserError(PlimsollError):
    """Something the user can mend; the message says where, what was found and what to write."""


class JobError(UserError):
    """The job statement cannot be carried out as written."""


class DataError(UserError):
    """The rows cannot be read or used."""


class LimitError(UserError):
    """A limit cannot be understood or cannot apply."""


class BundleError(UserError):
    """A bundle is refused: damaged, hostile, or of a version this program does not know."""


class PolicyError(UserError):
    """A policy cannot be understood or carried out; the message says which rule."""


class RequestError(UserError):
    """A request is refused; ``path`` is the place of the fault, such as ``$.rows[3].age``.

    >>> str(RequestError("$.age", "expected a number, got text"))
    '$.age: expected a number, got text'
    """

    def __init__(self, path: str, reason: str, status: int = 422) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason
        self.status = status


class MissingExtra(UserError):
    """A command needs an extra that is not installed."""


class NothingFits(PlimsollError):
    """No model met every limit; the message names the nearest one."""


class TrialError(PlimsollError):
    """A recipe returned something that breaks the contract."""


def nearest(word: str, known: Iterable[str]) -> str:
    """A suggestion for a mistyped word, or the words there are.

    >>> nearest("incom", ["income", "age"])
    'Did you mean "income"?'
    >>> nearest("zzz", ["income", "age"])
    'There are: age, income.'
    """
    words = sorted(known)
    close = difflib.get_close_matches(word, words, n=1)
    if close:
        return f'Did you mean "{close[0]}"?'
    shown = ", ".join(words[:12]) + (", …" if len(words) > 12 else "")
    return f"There are: {shown}."
