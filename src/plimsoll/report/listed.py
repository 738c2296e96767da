"""What is said of a run whose answers are lists: what was found and shown, lists of two models side by side, and the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plimsoll.report.load_line import Run
from plimsoll.report.markup import Markup, join, tag
from plimsoll.report.scales import Scale
from plimsoll.report.tables import facts, number, table

_WORDS = {
    "coverage": "items shown to anybody",
    "popularity": "how popular what is shown is (0.5: by chance)",
    "novelty": "how surprising, in bits",
    "diversity": "how unlike the items of a list are",
}
_GROUPS = {"all": "everybody", "warm": "known before", "cold": "new"}


def listed(run: Run) -> Markup | None:
    """The tables, the chart and the lists; None for a run that has none."""
    told = (run.get("evidence") or {}).get("lists") or {}
    if not told.get("models"):
        return None
    models: Mapping[str, Any] = told["models"]
    return tag(
        "div",
        _measures(models),
        tag("div", _spread(models), _audit(told.get("audit") or {}), class_="pair"),
        _people(told.get("people") or (), list(models)),
    )


def _measures(models: Mapping[str, Any]) -> Markup:
    """A row for each measure, a column for each model and group of users."""
    columns = [
        (model, group, held)
        for model, told in models.items()
        for group, held in told["groups"].items()
        if held.get("figures")
    ]
    names = list(dict.fromkeys(name for _, _, held in columns for name in held["figures"]))
    heads = [("", False), *((f"{model}, {_GROUPS[group]} ({held['rows']:,})", True) for model, group, held in columns)]
    rows = [
        tag("tr", tag("th", _named(name), scope="row"), *(_figure(held["figures"].get(name)) for _, _, held in columns))
        for name in names
    ]
    words = "Of all items that a user had not come to, every one is ranked; whatever shares a score has the last of its places. In brackets 95 % intervals over users."
    return _block(
        "measures", "Found and shown", tag("p", words, class_="aside"), table("Measures of lists", heads, rows)
    )


def _named(name: str) -> Markup:
    kind = name.partition("@")[0]
    return join(name, tag("small", _WORDS[kind]) if kind in _WORDS else "")


def _figure(told: Sequence[float] | None) -> Markup:
    if told is None:
        return number("–")
    low, value, high = told
    return number(join(f"{value:.3f}", tag("small", f"{low:.3f} to {high:.3f}")), value)


def _spread(models: Mapping[str, Any]) -> Markup:
    """Shares of the places that each tenth of the items has, by popularity: bars of two models side by side."""
    drawn = {name: told["spread"] for name, told in models.items() if told.get("spread")}
    most = max((share for shares in drawn.values() for share in shares), default=1.0) or 1.0
    x, y = Scale(0, 10, 34, 404), Scale(0, most, 190, 16)
    bars = [
        tag(
            "rect",
            tag("title", f"{name}: {share:.1%} of the places go to tenth {tenth + 1}"),
            x=x(tenth + 0.1 + 0.8 * k / len(drawn)),
            y=y(share),
            width=max(1.0, 0.8 * (x(1) - x(0)) / len(drawn) - 1),
            height=190 - y(share),
            class_=f"slab hue-{k}",
        )
        for k, (name, shares) in enumerate(drawn.items())
        for tenth, share in enumerate(shares)
    ]
    labels = [tag("text", str(tenth + 1), x=x(tenth + 0.5), y=206, class_="tick middle") for tenth in range(10)]
    key = [tag("li", tag("span", name, class_=f"hue-{k} key-word")) for k, name in enumerate(drawn)]
    chart = tag(
        "svg",
        *bars,
        tag("line", x1=34, x2=404, y1=190, y2=190, class_="axis"),
        *labels,
        tag("text", f"{most:.0%}", x=28, y=y(most) + 4, class_="tick end"),
        tag("text", "tenths of the items, the most popular last →", x=404, y=226, class_="title end"),
        viewBox="0 0 410 232",
        class_="chart small wide",
        role="img",
        aria_label="Which tenth of the items, by popularity, has which share of the first ten places",
    )
    words = "Where the first ten places go: the last bar of each is the most popular tenth of the items."
    return _block("spread", "Popular or not", tag("p", words, class_="aside"), chart, tag("ul", *key, class_="legend"))


def _audit(audit: Mapping[str, Any]) -> Markup | None:
    if not audit:
        return None
    test, order = audit.get("test") or {}, audit.get("order") or {}
    pairs = [(words, f"{test[name]:,} of {test['rows']:,}") for name, words in _COUNTED.items() if test.get("rows")]
    if test.get("items"):
        pairs.append(("items to find that nobody had come to", f"{test['unknown']:,} of {test['items']:,}"))
    if order:
        pairs.append(("ndcg@10 of transitions, as it was", f"{order['kept']:.3f}"))
        pairs.append(("the same with everybody's order shuffled", f"{order['shuffled']:.3f}"))
        said = "carries signal" if order["carries"] else "carries none that can be told"
        pairs.append(("so order", f"{said} ({order['low']:+.3f} to {order['high']:+.3f})"))
    return _block("audit", "The audit", _elsewhere(audit), facts(pairs))


_COUNTED = {"cold": "users without any event before", "ties": "users whose order at the split was a tie"}


def _elsewhere(audit: Mapping[str, Any]) -> Markup:
    """The families on this split and on another."""
    rows = [
        tag("tr", tag("th", each["recipe"], scope="row"), _score(each["here"]), _score(each["there"]))
        for each in audit.get("families") or ()
    ]
    if not rows:
        return tag("p", audit.get("why") or "", class_="aside")
    changes = audit.get("changes") or {}
    said = (
        f"On {audit['other']}, {changes['there']} is measurably better than {changes['here']}: the split picks the winner."
        if changes.get("changes")
        else f"On {audit['other']} nothing is measurably better than {changes['here']}."
        if changes
        else ""
    )
    heads = [("best of each family", False), (f"split {audit['split']}", True), (f"split {audit['other']}", True)]
    words = " ".join(part for part in (said, audit.get("why") or "") if part)
    return join(tag("p", words, class_="aside"), table("Families on two splits", heads, rows))


def _score(score: Mapping[str, Any] | None) -> Markup:
    return _figure([score["low"], score["value"], score["high"]] if score else None)


def _people(people: Sequence[Mapping[str, Any]], models: Sequence[str]) -> Markup | None:
    if not people:
        return None
    words = "Users of the test, drawn by chance. What they came to next is marked where a list has it."
    return _block(
        "people", "Lists side by side", tag("p", words, class_="aside"), *(_one(each, models) for each in people)
    )


def _one(user: Mapping[str, Any], models: Sequence[str]) -> Markup:
    columns = [
        ("Before, the newest first", [tag("li", item) for item in user["before"]]),
        *((model, [_item(each) for each in user["lists"].get(model, ())]) for model in models),
        ("Came to next", [tag("li", item) for item in user["next"]]),
    ]
    head = tag("summary", f"User {user['user']}", tag("small", f" {user['events']:,} events"))
    inside = [tag("div", tag("h4", title), tag("ol", *items) if items else tag("p", "–")) for title, items in columns]
    return tag("details", head, tag("div", *inside, class_="sides"), class_="fold", open=None)


def _item(each: Mapping[str, Any]) -> Markup:
    return tag("li", tag("b", each["item"]) if each["found"] else each["item"], class_="hit" if each["found"] else None)


def _block(name: str, title: str, *inside: object) -> Markup:
    return tag("div", tag("h3", title), *inside, id=name, class_="block")
