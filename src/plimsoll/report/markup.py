"""HTML and SVG as a type: a plain text is escaped wherever it is put, and only what ``tag`` made is not."""

from __future__ import annotations

import html
import json
import math
from typing import Any

_VOID = frozenset({"meta", "input", "br", "hr", "wbr"})


class Markup(str):
    """Text that is already markup. Only ``tag``, ``join`` and the page's own files make it."""

    __slots__ = ()


def escape(text: object) -> Markup:
    """
    >>> escape('a < "b"'), escape(Markup("<b>"))
    ('a &lt; &quot;b&quot;', '<b>')
    """
    return text if isinstance(text, Markup) else Markup(html.escape(str(text), quote=True))


def join(*parts: object) -> Markup:
    return Markup("".join(escape(part) for part in parts if part is not None))


def tag(name: str, /, *inside: object, **attributes: object) -> Markup:
    """An element; ``class_`` is written class, ``stroke_width`` stroke-width, and an attribute of None is left out.

    >>> tag("td", "<script>", class_="name", data_sort=0.5, hidden=None)
    '<td class="name" data-sort="0.5">&lt;script&gt;</td>'
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    if name in _VOID:
        return Markup(f"<{name}{written}>")
    return Markup(f"<{name}{written}>{join(*inside)}</{name}>")


def _attribute(key: str, value: object) -> str:
    shown = f"{value:.6g}" if isinstance(value, float) else escape(value)
    return f' {key.rstrip("_").replace("_", "-")}="{shown}"'


def embedded(value: Any) -> Markup:
    r"""JSON that may stand inside a script element: nothing in it can end the element or break a line.

    >>> print(embedded({"a": "</script>\u2028", "b": float("nan")}))
    {"a":"\u003c/script\u003e\u2028","b":null}
    """
    text = json.dumps(_finite(value), separators=(",", ":"), ensure_ascii=True)
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value
