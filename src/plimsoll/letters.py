"""Letters and words of any script: what a word is in a text, and how it is written so that two spellings of it are one.

A word is a run of letters and digits with the marks that belong to them (vowel signs, accents that stand by themselves),
and with apostrophes inside. All else parts words: blanks, hyphens, points, underscores, control characters, symbols. Scripts that
leave no blanks between words (Han, Kana, Thai, Lao, Khmer, Myanmar; and Hangul, whose particles join on) come as whole runs, a
word of one of these and a word of another script never as one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from itertools import chain

FOLDS = ("case", "accents", "none")  # what is taken for the same
LONGEST = 100  # letters of a word that count; what is longer is no word, but an encoded file
SPACELESS = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ebd\u0ec0-\u0ecd\u0edc-\u0edf"  # Thai, Lao; never their digits
    "\u1000-\u103f\u1050-\u108f\u109a-\u109d\ua9e0-\ua9ef\uaa60-\uaa7f"  # Myanmar
    "\u1780-\u17d3\u17d7\u17dc\u17dd"  # Khmer
    "\u3005\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303b\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # Han
    "\U00020000-\U0003fffd"  # Han
    "\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"  # Kana
    "\U0001aff0-\U0001b16f"  # Kana
    "\u3105-\u312f\u31a0-\u31bf"  # Bopomofo
    "\u1100-\u11ff\u3131-\u318e\ua960-\ua97f\uac00-\ud7ff\uffa0-\uffdc"  # Hangul
)
_HIDDEN = "\u00ad\u200c\u200d\u2060\ufeff"  # within a word, and not seen: a soft hyphen, joiners
_APOSTROPHES = "'’‘ʼ＇"
_WITH_MARKS = (range(0x300, 0x3400), range(0xA000, 0xAC00), range(0xFB00, 0x1F000), range(0xE0100, 0xE01F0))

# Python's expressions know no class of marks, so it is written out; and where most words end it is not looked through.
_MARKS = "".join(sign for sign in map(chr, chain(*_WITH_MARKS)) if unicodedata.category(sign)[0] == "M") + _HIDDEN
_LETTER = f"[^\\W_{SPACELESS}{_APOSTROPHES}]"
_FURTHER = f"(?![\\x00-&(-\\x7f])(?:[{_APOSTROPHES}]+{_LETTER}++|[{_MARKS}]++{_LETTER}*+)"
WORD = re.compile(f"{_LETTER}++(?:{_FURTHER})*+|(?![\\x00-\\x7f])[{SPACELESS}][{SPACELESS}{_MARKS}]*+")
_RUN = re.compile(f"[{SPACELESS}]")
# A letter with its marks; and with the vowels and ends of Hangul written in parts, and the sound marks of narrow Kana.
_SYLLABLE = re.compile(f".[{_MARKS}\u1160-\u11ff\uff9e\uff9f]*", re.DOTALL)
_UNSEEN = re.compile(f"[{_HIDDEN}\u034f\u180b-\u180e\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_BLANKS = {code: " " for code in range(128) if not chr(code).isalnum() and chr(code) != "'"}
_STRAIGHT = {ord(sign): "'" for sign in _APOSTROPHES}
# Accents of Latin, Greek and Cyrillic letters, points of Hebrew and Arabic ones. Other scripts' marks are their vowels.
_ACCENTS = re.compile(
    "(?<!и)[\u0300-\u036f]|(?<=и)[\u0300-\u0305\u0307-\u036f]|[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0670]"
)
_WHOLE = str.maketrans({"ø": "o", "đ": "d", "ł": "l", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d"})
TURKISH = str.maketrans({"I": "ı", "İ": "i"})  # the one language with another small letter for I


def words(text: str) -> list[str]:
    """What ``WORD`` finds in a text, in order.

    >>> words("The 'layer's edge': snake_case, naïve 東京タワー"), words("हिन्दी 3.14")
    (['The', "layer's", 'edge', 'snake', 'case', 'naïve', '東京タワー'], ['हिन्दी', '3', '14'])
    """
    if not text.isascii():
        return WORD.findall(text)
    # A quarter of the time that the expression takes, and most texts are of this kind.
    blanked = f" {text.translate(_BLANKS)} "
    found = blanked.split()
    if " '" in blanked or "' " in blanked:
        return [bare for word in found if (bare := word.strip("'"))]
    return found


def is_run(word: str) -> bool:
    """Whether a word that was found is a run of a script without blanks."""
    return _RUN.match(word) is not None


def pairs(run: str) -> list[tuple[int, int]]:
    """Where the pairs of neighbouring letters begin and end in a run, each letter with its marks; of one letter, itself.

    >>> pairs("東京都"), pairs("ที่")
    ([(0, 2), (1, 3)], [(0, 3)])
    """
    ends = [found.end() for found in _SYLLABLE.finditer(run)]
    if len(ends) < 2:
        return [(0, ends[0])] if ends else []
    return list(zip([0, *ends[:-2]], ends[1:], strict=True))


def plain(word: str, fold: str = "case") -> str:
    """A word as it is compared: compatible forms are one (NFKC), what is not seen is gone, apostrophes are straight. ``fold``, one
    of ``FOLDS``, says whether capitals are small as well (case folding), and whether accents are gone with them.

    >>> plain("Ｓtraße"), plain("Café"), plain("Café", "accents"), plain("синий Ёлка", "accents"), plain("Ｃafé", "none")
    ('strasse', 'café', 'cafe', 'синий елка', 'Café')
    """
    folded = unicodedata.normalize("NFKC", _UNSEEN.sub("", word))
    if fold != "none":
        folded = unicodedata.normalize("NFKC", folded.casefold().replace("i̇", "i"))
    folded = folded.translate(_STRAIGHT)
    if fold != "accents" or folded.isascii():
        return folded
    parted = unicodedata.normalize("NFD", folded.translate(_WHOLE))
    return unicodedata.normalize("NFC", _ACCENTS.sub("", parted))


def differs(held: Iterable[str], fold: str, other: str) -> bool:
    """Whether any of these words comes to another by another folding.

    >>> differs(["a", "Café"], "none", "case"), differs(["a", "Cafe"], "case", "accents")
    (True, False)
    """
    return any(plain(word, fold) != plain(word, other) for word in held)
