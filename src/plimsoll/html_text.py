"""HTML as plain text: what a reader sees, a line for each block, and the page's title."""

from __future__ import annotations

import re
from html.parser import HTMLParser

_SCRIPTS = frozenset(("script", "style"))
_HIDDEN = _SCRIPTS | {"noscript", "template", "nav", "svg", "iframe", "object"}
_BLOCKS = (  # elements that begin and end a line
    "address article aside blockquote body br caption dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6"
    " header hr html li main ol option p pre section summary table tbody td textarea tfoot th thead title tr ul"
)
_LINES = frozenset(_BLOCKS.split())
_CHARSET = re.compile(rb"charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]+)", re.IGNORECASE)
_WHERE = 1024  # bytes in which a page says how it is encoded


def read(page: str) -> tuple[str, str]:
    """The title and the text of a page. The title is that of its head, or else its first heading; "" where it has neither.

    What is no text of the page is left out: scripts, styles, templates and the links to other pages in ``nav``. Faulty HTML is
    read as far as it can be.

    >>> read("<title>Wings</title><h1>On wings</h1><p>They lift&nbsp;&amp; <b>dr</b>ag.<script>1 < 2</script><p>Much.")
    ('Wings', 'On wings\\nThey lift & drag.\\nMuch.')
    """
    parser = _parsed(page, _HIDDEN)
    if parser.within_hidden:  # what was opened and never closed would hide all the rest
        parser = _parsed(page, _SCRIPTS)
    lines = (" ".join(line.split()) for line in "".join(parser.parts).split("\n"))
    title, heading = (" ".join("".join(parts).split()) for parts in (parser.title, parser.heading))
    return title or heading, "\n".join(line for line in lines if line)


def charset(page: bytes) -> str:
    """The encoding that a page names near its start, "" where it names none.

    >>> charset(b'<meta charset="ISO-8859-1">')
    'ISO-8859-1'
    """
    found = _CHARSET.search(page[:_WHERE])
    return found.group(1).decode() if found else ""


def _parsed(page: str, hidden: frozenset[str]) -> _Reader:
    parser = _Reader(hidden)
    parser.feed(page)
    parser.close()
    return parser


class _Reader(HTMLParser):
    def __init__(self, hidden: frozenset[str]) -> None:
        super().__init__(convert_charrefs=True)
        self.hidden = hidden
        self.parts: list[str] = []
        self.title: list[str] = []
        self.heading: list[str] = []
        self.within_hidden: list[str] = []  # the elements around this place that are not seen
        self.within = ""  # "title" or "h1", while the first of these is open
        self.done: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002  # as the parser calls it
        if tag in self.hidden:
            self.within_hidden.append(tag)
        if tag in ("title", "h1") and tag not in self.done and "svg" not in self.within_hidden:
            self.within = tag
            self.done.add(tag)
        if tag in _LINES:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.within_hidden:
            del self.within_hidden[self.within_hidden.index(tag) :]
        if tag == self.within:
            self.within = ""
        if tag in _LINES:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if self.within == "title":
            self.title.append(data)
            return
        if self.within == "h1":
            self.heading.append(data)
        if not self.within_hidden:
            # The lines of the source are no lines of the page.
            self.parts.append(re.sub(r"\s+", " ", data))
