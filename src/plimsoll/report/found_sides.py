"""Queries with the first documents of two models side by side, each with its grade, and with why it stands there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plimsoll.report.markup import Markup, join, tag

Hues = Mapping[str, str]
Asked = Mapping[str, Any]
_KINDS = {
    "win": ("The largest gains", "where the chosen model is furthest ahead"),
    "loss": ("The largest losses", "where it is furthest behind"),
    "worst": ("The least found", "where it is worth least"),
    "": ("More queries", "by chance"),
}
_PIPS = 5  # marks of the highest grade, at most


def sides(told: Mapping[str, Any], models: Sequence[str], hues: Hues) -> Markup | None:
    """Folds in groups, the first one open; None where no lists are known."""
    shown = [(place, each) for place, each in enumerate(told.get("asked") or ()) if each.get("sides")]
    if not shown:
        return None
    shelf, most = told.get("shelf") or (), float(told.get("grades") or 1.0)
    groups: dict[str, list[Markup]] = {}
    for kind in _KINDS:
        mine = [(place, each) for place, each in shown if (each.get("kinds") or [""])[0] == kind]
        mine = mine[::-1] if kind in ("loss", "worst") else mine  # what stands out most comes first
        groups[kind] = [_one(each, place, models, Shelf(shelf, most, hues)) for place, each in mine]
    return tag(
        "div",
        tag("h3", "Lists side by side"),
        tag("p", *_legend(most), class_="aside"),
        *(_group(kind, folds) for kind, folds in groups.items() if folds),
        id="sides",
    )


def _group(kind: str, folds: Sequence[Markup]) -> Markup:
    title, words = _KINDS[kind]
    if kind:
        return tag("div", tag("h4", title, tag("small", words)), *folds, class_="queries")
    head = tag("summary", title, tag("small", f"{len(folds)} {words}"))
    return tag("details", head, *folds, class_="fold queries more")


def _legend(most: float) -> list[object]:
    marks = [tag("span", grade(value, most), aria_hidden="true") for value in (most, 0.0, None)]
    words = [
        f" the highest grade, {most:g} · ",
        " judged not relevant · ",
        " not judged, which counts as not relevant.",
    ]
    return [*(part for pair in zip(marks, words, strict=True) for part in pair), " Words of the query are marked."]


class Shelf:
    """What the lists of a page share: the documents, the highest grade, and the hues of models."""

    def __init__(self, shelf: Sequence[Mapping[str, str]], most: float, hues: Hues) -> None:
        self.shelf, self.most, self.hues = shelf, most, hues

    def hit(self, hit: Mapping[str, Any], others: Sequence[str]) -> Markup:
        """One document: its grade, its title or else its id, where the other models have it, and the parts of its score."""
        said = self.shelf[hit["at"]]
        name = tag("cite", marked(said["title"], hit.get("marks") or ())) if said["title"] else None
        where = [self._place(other, hit["places"].get(other)) for other in others]
        why = because(hit.get("why") or (), hit.get("rest") or 0.0)
        return tag(
            "li",
            grade(hit["grade"], self.most),
            " ",
            name,
            tag("small", tag("bdi", said["id"]), *where),
            tag("small", "because of ", tag("bdi", why), class_="because") if why else None,
            class_="hit" if (hit["grade"] or 0) > 0 else None,
        )

    def _place(self, model: str, place: int | None) -> Markup:
        words = f"{model}: place {place}" if place else f"{model}: not found"
        return join(" · ", tag("span", words, class_=f"inked {self.hues.get(model, '')}"))


def _one(each: Asked, place: int, models: Sequence[str], shelf: Shelf) -> Markup:
    worth = [f"{name} {each['values'][name]:.3f}" for name in models if each["values"].get(name) is not None]
    due = each["due"]
    small = " · ".join([*worth, f"{due:,} relevant" if due else "nothing relevant is known"])
    shown = list(each["sides"])
    columns = [
        _column(
            name, [shelf.hit(hit, [m for m in shown if m != name]) for hit in each["sides"][name]], shelf.hues.get(name)
        )
        for name in shown
    ]
    if each.get("missed"):
        more = each.get("unseen", 0) - len(each["missed"])
        left = [shelf.hit(hit, shown) for hit in each["missed"]]
        columns.append(_column("Relevant, among none of these", left, None, more))
    return tag(
        "details",
        tag("summary", tag("bdi", each["text"]), tag("small", small)),
        tag("div", *columns, class_="sides", id=f"query-{place}"),
        class_="fold",
        data_query=place,
    )


def _column(title: str, items: Sequence[Markup], hue: str | None, more: int = 0) -> Markup:
    head = tag("h4", title, class_=None if hue is None else f"inked {hue}")
    if not items:
        return tag("div", head, tag("p", "Nothing was found.", class_="aside"))
    rest = tag("p", f"and {more:,} more", class_="aside") if more > 0 else None
    return tag("div", head, tag("ol", *items) if hue is not None else tag("ul", *items), rest)


def marked(text: str, marks: Sequence[Sequence[int]]) -> Markup:
    """A text with some stretches of it marked, from (begin, end) in letters.

    >>> marked("lift of <wings>", [(0, 4)])
    '<bdi><mark>lift</mark> of &lt;wings&gt;</bdi>'
    """
    parts: list[object] = []
    done = 0
    for begin, end in marks:
        if done <= begin < end:
            parts += [text[done:begin], tag("mark", text[begin:end])]
            done = end
    return tag("bdi", *parts, text[done:])


def because(parts: Sequence[tuple[str, float]], rest: float) -> str:
    """The parts of a score as a sum, and what the others come to.

    >>> because([("wing", 2.5), ("lift", -0.5)], 0.25)
    'wing 2.5 − lift 0.5 + others 0.25'
    """
    named = [*parts, *([("others", rest)] if rest else [])]
    said = "".join(f" {'−' if part < 0 else '+'} {term} {abs(part):.3g}" for term, part in named)
    return said.removeprefix(" + ").lstrip()


def grade(value: float | None, most: float) -> Markup:
    """A small mark: as many strokes as a grade is high, a hollow one of what is not relevant, a question of what nobody judged."""
    if value is None:
        return tag("span", "?", tag("span", "not judged", class_="unseen"), class_="grade open", title="not judged")
    words = f"grade {value:g}" if value > 0 else "not relevant"
    many = max(1, round(min(most, _PIPS) * value / most)) if value > 0 else 0
    pips = [tag("rect", x=4.0 * k, width=3, height=10, class_="part") for k in range(many)]
    drawn = pips or [tag("rect", x=0.5, y=0.5, width=2, height=9, class_="none")]
    svg = tag(
        "svg", *drawn, viewBox=f"0 0 {4 * max(many, 1)} 10", width=4 * max(many, 1), height=10, aria_hidden="true"
    )
    return tag("span", svg, tag("span", words, class_="unseen"), class_="grade", title=words)
