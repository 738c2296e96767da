"""Requests for lists, whatever is listed: one, a list of them, or a list under "rows"; every fault with its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any, Generic, TypeVar

import msgspec

from plimsoll.errors import RequestError, nearest
from plimsoll.serve.request import MOST_TEXT

_Ask = TypeVar("_Ask")


class AskReader(Generic[_Ask]):
    """Reads bodies whose rows are decoded as ``row``, a struct of msgspec; a kind of them makes of one what is asked.

    ``words`` are the names that may stand in a row.
    """

    def __init__(self, row: type[Any], most_rows: int, words: Sequence[str]) -> None:
        self._most, self._words = most_rows, tuple(words)
        rows = Annotated[list[row], msgspec.Meta(max_length=most_rows)]  # type: ignore[valid-type]
        envelope = msgspec.defstruct("Rows", [("rows", rows)], forbid_unknown_fields=True)
        self._row: msgspec.json.Decoder[Any] = msgspec.json.Decoder(row)
        self._list: msgspec.json.Decoder[Any] = msgspec.json.Decoder(rows)
        self._envelope: msgspec.json.Decoder[Any] = msgspec.json.Decoder(envelope)

    def read(self, body: bytes) -> tuple[list[_Ask], bool]:
        """What is asked, and whether a list of it was. Raises RequestError with the place of the fault."""
        if body.lstrip()[:1] == b"[":
            rows = self._decoded(self._list, body)
            return [self._ask(row, f"$[{place}]") for place, row in enumerate(rows)], True
        if re.match(rb'\s*\{\s*"rows"\s*:\s*\[', body):
            rows = self._decoded(self._envelope, body).rows
            return [self._ask(row, f"$.rows[{place}]") for place, row in enumerate(rows)], True
        return [self._ask(self._decoded(self._row, body), "$")], False

    def _ask(self, row: Any, place: str) -> _Ask:
        """What one row asks. Raises RequestError."""
        raise NotImplementedError

    def _too_long(self) -> str:
        """What is wrong with a list within a row that has too many parts."""
        raise NotImplementedError

    def _decoded(self, decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
        try:
            return decoder.decode(body)
        except msgspec.ValidationError as fault:
            raise self._fault(str(fault)) from None
        except (ValueError, RecursionError) as fault:
            raise RequestError("$", f"the body is not JSON: {fault}", 400) from None

    def _fault(self, said: str) -> RequestError:
        text, _, found = said.partition(" - at `$")
        path = "$" + found[:-1]
        if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", text, re.DOTALL):
            name = unknown[1][:100]
            return RequestError(f"{path}.{name}", f"there is no such part of a request. {nearest(name, self._words)}")
        if text.startswith("Expected `array` of length <="):
            if path in ("$", "$.rows"):
                return RequestError(path, f"more than {self._most} rows. Send them in several requests.", 413)
            return RequestError(path, self._too_long(), 413)
        if text.startswith("Expected `str` of length <="):
            return RequestError(path, f"the text is longer than {MOST_TEXT} characters", 413)
        return RequestError(path, text[:1].lower() + text[1:])
