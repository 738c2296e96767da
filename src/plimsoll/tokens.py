"""How a network reads text: the numbers of its pieces, by a description of Hugging Face's tokenizers.

A description is data, and may be anybody's. The library that reads it opens no file and runs no code, but a regular expression in it
may take for ever, so a description that brings one of its own is refused, and so is a part that is not known. What the library
cannot read, or stumbles over, is a ValueError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from plimsoll.errors import MissingExtra
from plimsoll.members import parse_json

MEMBER = "tokenizer.json"
_MODELS = ("WordPiece", "BPE", "Unigram", "WordLevel")
_PARTS = frozenset(
    [
        "Sequence",
        "BertNormalizer",
        "Lowercase",
        "NFC",
        "NFD",
        "NFKC",
        "NFKD",
        "StripAccents",
        "Strip",
        "Prepend",
        "Replace",
        "Precompiled",
        "Nmt",
        "ByteLevel",
        "BertPreTokenizer",
        "Whitespace",
        "WhitespaceSplit",
        "Metaspace",
        "Punctuation",
        "Digits",
        "Split",
        "CharDelimiterSplit",
        "UnicodeScripts",
        "TemplateProcessing",
        "BertProcessing",
        "RobertaProcessing",
        "Fuse",
        "WordPiece",
        "BPEDecoder",
        "ByteFallback",
        "CTC",
    ]
)
_WORKED = ("normalizer", "pre_tokenizer", "post_processor", "decoder")
_LETTERS = 24  # of a piece at most, in the mean of a text: what lies behind is not looked at
_PADS = ("[PAD]", "<pad>", "<|endoftext|>")
Numbers = list[int]


class Tokens:
    """Reads texts by a description, the bytes of a tokenizer.json. Raises ValueError and BundleError where it cannot be one that is let
    through, and MissingExtra where the library is not installed."""

    def __init__(self, described: bytes) -> None:
        self.described = bytes(described)
        told = _checked(self.described)
        self._held = _caught(_library().from_str, self.described.decode())
        self._held.no_padding()
        self._held.no_truncation()
        self.many = int(self._held.get_vocab_size())
        unknown = told["model"].get("unk_token")
        self._unknown = self._held.token_to_id(unknown) if isinstance(unknown, str) else None
        self.pad = next((number for name in _PADS if (number := self._held.token_to_id(name)) is not None), 0)

    def plain(self, text: str, most: int) -> Numbers:
        """The pieces of a text that are known, at most so many, and none that stands for its begin or end."""
        found = _caught(self._held.encode, text[: _LETTERS * most], add_special_tokens=False).ids
        return [number for number in found if number != self._unknown][:most]

    def framed(self, text: str, most: int, parts: int = 1) -> list[Numbers]:
        """A text as a network is given it, its begin and end marked: cut into so many parts at most, of ``most`` pieces each."""
        self._held.enable_truncation(most)
        found = _caught(self._held.encode, text[: _LETTERS * most * parts])
        return [part.ids for part in (found, *found.overflowing)][:parts]

    def pair(self, text: str, other: str, most: int) -> tuple[Numbers, Numbers]:
        """Two texts as a network is given them beside one another, of which the longer is cut, and which of the two each piece is of."""
        self._held.enable_truncation(most)
        found = _caught(self._held.encode, text[: _LETTERS * most], other[: _LETTERS * most])
        return found.ids, found.type_ids


def _checked(described: bytes) -> dict[str, Any]:
    told = parse_json(MEMBER, described)
    model = told.get("model") if isinstance(told, dict) else None
    if not isinstance(model, dict) or model.get("type", "WordPiece") not in _MODELS:
        raise ValueError(f"{MEMBER} has no model among {', '.join(_MODELS)}")
    for part in _parts([told.get(name) for name in _WORKED]):
        kind, pattern = part.get("type"), part.get("pattern")
        if isinstance(kind, str) and kind not in _PARTS:
            raise ValueError(f'{MEMBER} has a part "{kind[:40]}", which is not known')
        if isinstance(pattern, dict) and set(pattern) != {"String"}:
            raise ValueError(f"{MEMBER} has a regular expression of its own, which may take for ever")
    return {**told}


def _parts(values: Sequence[Any]) -> Iterator[dict[str, Any]]:
    """All objects in these values, at any depth."""
    for value in values:
        if isinstance(value, dict):
            yield value
            yield from _parts([*value.values()])
        elif isinstance(value, list):
            yield from _parts(value)


def _library() -> Any:
    try:
        import tokenizers
    except ImportError:
        raise MissingExtra("An encoder needs tokenizers. Write: pip install 'plimsoll[encoders]'") from None
    return tokenizers.Tokenizer


def _caught(call: Callable[..., Any], *values: Any, **named: Any) -> Any:
    """What a call into the library gives; whatever goes wrong in there as a ValueError."""
    try:
        return call(*values, **named)
    except (KeyboardInterrupt, SystemExit, MemoryError):
        raise
    except BaseException as fault:  # a panic in the library is no Exception
        raise ValueError(f"{MEMBER} cannot be read: {str(fault)[:200]}") from None
