"""The language of a query: plain words, "words in a row", +must, -without, and wind* for all that begins so.

A sign counts at the beginning of a word alone, so "high-speed" is two plain words and 3-5 no command. What is not whole (a quote
without its partner, a sign by itself) is plain text: nothing that is typed is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LETTERS = 2_000  # of a query that are read: some three hundred words
MOST = 32  # of phrases, of words with each sign, and of words with a star
_SIGNS = re.compile(r"[\"“”„*]|(?<!\S)[+-]")
_QUOTES = str.maketrans("“”„", '"""')
# A phrase, or a word with its sign and its star: a quote that stands within a word is a sign of inches.
_PART = re.compile(r'([+-]?)"([^"]*)"|(\S+)')
_GAP = re.compile(r"\s")


@dataclass(frozen=True)
class Query:
    """``text``: the words to rank by, those of phrases and of ``must`` among them. ``phrases`` must stand in a document word by
    word, ``must`` must be there, ``without`` must not; in these two a star at the end stands for all that begins so. ``prefixes``
    are words with a star, without it. ``cut`` says that only the beginning of the query was read."""

    text: str
    phrases: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    must: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    cut: bool = False

    @property
    def bare(self) -> bool:
        """Whether it is words to rank by and nothing else."""
        return not (self.phrases or self.without or self.must or self.prefixes)


def parse(text: str) -> Query:
    """What a query asks for. Of a long one the first 2,000 letters are read, up to a gap between words.

    >>> parse('+wing "lift drag" wind* -tunnel high-speed')
    Query(text='wing lift drag high-speed', phrases=('lift drag',), without=('tunnel',), must=('wing',), prefixes=('wind',), cut=False)
    """
    said = _head(text)
    cut = len(said) < len(text)
    if _SIGNS.search(said) is None:
        return Query(said, cut=cut)
    plain: list[str] = []
    parts: dict[str, list[str]] = {"phrases": [], "without": [], "must": [], "prefixes": []}
    for sign, phrase, word in _PART.findall(said.translate(_QUOTES)):
        _sort(sign, phrase, word, plain, parts)
    many = any(len(found) > MOST for found in parts.values())
    return Query(" ".join(plain), **{name: tuple(found[:MOST]) for name, found in parts.items()}, cut=cut or many)


def _head(text: str) -> str:
    """The beginning of a text, up to the last gap within the letters that are read."""
    if len(text) <= LETTERS:
        return text
    head = text[:LETTERS]
    last = max((place for place in map(head.rfind, (" ", "\n", "\t"))), default=-1)
    return head[:last] if last > 0 else head


def _sort(sign: str, phrase: str, word: str, plain: list[str], parts: dict[str, list[str]]) -> None:
    """Puts one part of a query where it belongs."""
    if word:
        signed = word[0] in "+-" and any(map(str.isalnum, word))
        sign, word = (word[0], word.lstrip("+-")) if signed else ("", word)
        begun = word.rstrip("*")
        star = begun != word and any(map(str.isalnum, begun))
        if sign:
            parts["without" if sign == "-" else "must"].append(f"{begun}*" if star else word)
        if star and sign != "-":
            parts["prefixes"].append(begun)
        elif sign != "-":
            plain.append(word)
    elif phrase.strip():
        parts["without" if sign == "-" else "phrases"].append(phrase)
        plain += [phrase] if sign != "-" else []
