"""``plimsoll search`` and ``plimsoll documents``: a bundle that searches, asked in the terminal, and documents that come later."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from plimsoll import bundle
from plimsoll import later as laters
from plimsoll.box import Page, Wanted
from plimsoll.errors import DataError, JobError, RequestError
from plimsoll.later import Later
from plimsoll.printed import columns, printable
from plimsoll.progress import rewritten
from plimsoll.serve.answering import answering
from plimsoll.serve.searcher import Searcher

_MARK, _SOFT, _BOLD, _PLAIN = "\x1b[33m", "\x1b[2m", "\x1b[1m", "\x1b[0m"
_BEGIN, _END = "\x02", "\x03"  # around what the query met, until lines are broken: nothing printable has them
_WIDEST = 100
_BAR = 24  # letters of the largest part of a score


def search(args: argparse.Namespace) -> int:
    """Prints what a query finds. Raises UserError."""
    searcher = _searcher(args.bundle, args.later)
    wanted = Wanted(args.query, args.k, args.skip, where(args.where), (), True, args.why, not args.exact, None, True)
    try:
        page = searcher.box.page(wanted)
    except RequestError as fault:
        raise JobError(_said(fault)) from None
    if args.json:
        print(json.dumps(vars(page)))
        return 0
    shown = rewritten(sys.stdout)
    width = min(_WIDEST, shutil.get_terminal_size().columns) if shown else _WIDEST
    colour = shown and not os.environ.get("NO_COLOR")
    for line in "\n".join(lines(page, args.skip, searcher.fields, width)).lstrip("\n").split("\n"):
        print(_painted(line) if colour else re.sub(r"\x1b\[\d+m|[\x02\x03]", "", line))
    return 0


def _searcher(place: Path, later: Path | None = None) -> Searcher:
    found = answering(bundle.read(bundle.of(place)), later=later)
    if not isinstance(found, Searcher):
        raise JobError(f"{place} does not search. Make a bundle that does with plimsoll fit --search DOCS.")
    return found


def _said(fault: RequestError) -> str:
    """A fault of a request in the words of the command line."""
    return f"{fault.path.replace('$.', '--', 1)}: {fault.reason}" if fault.path != "$" else fault.reason


def where(told: Sequence[str]) -> dict[str, Any]:
    """Filters as they are written: ``kind=maps``, twice for either of two values, or as JSON. Raises JobError.

    >>> where(["kind=maps", "kind=sea", '{"year": {"from": 1800}}'])
    {'kind': ['maps', 'sea'], 'year': {'from': 1800}}
    """
    found: dict[str, Any] = {}
    for each in told:
        if each.lstrip().startswith("{"):
            try:
                found |= json.loads(each)
            except ValueError as fault:
                raise JobError(f"--where {each[:60]}: is not JSON: {fault}.") from None
            continue
        name, equals, value = each.partition("=")
        if not equals or not name.strip():
            raise JobError(f'--where {each[:60]}: write COL=VALUE, or JSON such as {{"year": {{"from": 1960}}}}.')
        values = found.setdefault(name.strip(), [])
        if not isinstance(values, list):
            raise JobError(f"--where {each[:60]}: the column is there twice, once as JSON. Keep one of the two.")
        values.append(value)
    return found


def lines(page: Page, skip: int, fields: Sequence[str], width: int) -> Iterator[str]:
    """What was found, as lines with colours; what the query met stands between two signs that a terminal does not obey."""
    if page.corrected is not None:
        yield f"Showing {printable(page.corrected)}"
    yield from (printable(words) for words in page.passed)
    for place, hit in enumerate(page.hits, skip + 1):
        yield ""
        yield from _hit(place, hit, fields, width)
    if page.hits:
        total = page.total or len(page.hits)
        yield ""
        yield f"{_SOFT}{skip + 1} to {skip + len(page.hits)} of {total:,}{_PLAIN}"
    elif not page.passed:
        yield "Nothing was found."


def _hit(place: int, hit: Mapping[str, Any], fields: Sequence[str], width: int) -> Iterator[str]:
    title, *rest = [(name, hit["text"][name]) for name in fields if hit["text"].get(name, {}).get("text")] or [
        ("", None)
    ]
    single = len(fields) == 1 or title[1] is None
    head = printable(str(hit["id"])) if single else _marked(title[1])
    number = f"{place:>3}  "
    for row, line in enumerate(textwrap.wrap(head, width - len(number)) or [""]):
        yield f"{number if not row else ' ' * len(number)}{_BOLD}{line}{_PLAIN}"
    for _, each in [title] if single and title[1] else rest:
        yield from textwrap.wrap(
            _marked(each), width, initial_indent=" " * len(number), subsequent_indent=" " * len(number)
        )
    about = [
        printable(f"{each:g}" if isinstance(each, float) else str(each))
        for each in hit["about"].values()
        if each is not None
    ]
    told = " · ".join([*([] if single else [printable(str(hit["id"]))]), *about, f"{hit['score']:.3g}"])
    yield " " * len(number) + f"{_SOFT}{textwrap.shorten(told, width - len(number), placeholder=' …')}{_PLAIN}"
    yield from (" " * len(number) + line for line in _because(hit.get("why", ())))


def _marked(told: Mapping[str, Any]) -> str:
    """A snippet on one line, with signs around what the query met."""
    text, parts, done = told["text"], [], 0
    for begin, end in told["marks"]:
        parts += [_clean(text[done:begin]), _BEGIN, _clean(text[begin:end]), _END]
        done = end
    before, after = told["begin"] > 0, told["begin"] + len(text) < told["letters"]
    return f"{'… ' * before}{''.join(parts)}{_clean(text[done:])}{' …' * after}"


def _clean(text: str) -> str:
    return printable(re.sub(r"\s", " ", text))


def _because(parts: Sequence[Mapping[str, Any]]) -> list[str]:
    most = max((abs(each["part"]) for each in parts), default=0.0) or 1.0
    rows = [[printable(each["name"]), f"{each['part']:.2f}"] for each in parts]
    bars = ["━" * max(1, round(_BAR * abs(each["part"]) / most)) for each in parts]
    return [f"{line}  {bar}" for line, bar in zip(columns(rows), bars, strict=True)] if rows else []


def _painted(line: str) -> str:
    again = _BOLD if line.lstrip(" 0123456789").startswith(_BOLD) else ""
    return line.replace(_BEGIN, _MARK).replace(_END, _PLAIN + again)


def documents(args: argparse.Namespace) -> int:
    """Carries out what is asked of documents that come later. Raises UserError."""
    place = bundle.of(args.bundle)
    file = args.later or laters.place(place)
    try:
        searcher = _searcher(args.bundle, file)
        return _WAYS[args.what](args, searcher, searcher.later, file)
    except RequestError as fault:
        raise JobError(_said(fault)) from None


def _add(args: argparse.Namespace, searcher: Searcher, later: Later, file: Path) -> int:
    from plimsoll import gathering

    rows = [row for frame in gathering.batches(args.rows, _BATCH) for row in frame.iter_rows(named=True)]
    if not rows:
        raise DataError(f"{args.rows} holds no documents.")
    try:
        many = later.add(rows)
    except RequestError as fault:
        if fault.status >= 500:  # not of the rows, but of the file that they were to go to
            raise
        raise DataError(_in_file(args.rows, fault)) from None
    return _changed(searcher, f"{many:,} added or changed", file)


def _delete(args: argparse.Namespace, searcher: Searcher, later: Later, file: Path) -> int:
    if absent := next((each for each in args.ids if searcher.document(each) is None), None):
        raise DataError(f'There is no document "{absent}". Nothing was taken away.')
    return _changed(searcher, f"{later.delete(args.ids):,} taken away", file)


def _changed(searcher: Searcher, done: str, file: Path) -> int:
    print(f"{done}: there are {searcher.many:,} documents now. What came later is kept in {file}.", file=sys.stderr)
    return 0


def _show(args: argparse.Namespace, searcher: Searcher, later: Later, file: Path) -> int:
    if args.id is not None:
        return _shown(args, searcher)
    told = {"documents": searcher.many, "made_with": len(searcher.collection), "added": 0, "gone": 0}
    for change in later.since(0):
        told["gone" if change.cells is None else "added"] += 1
    if args.json:
        print(json.dumps({**told, "file": str(file)}))
        return 0
    print(f"{told['documents']:,} documents; the bundle was made with {told['made_with']:,}.")
    print(f"Since then {told['added']:,} were added or changed and {told['gone']:,} taken away, in {file}.")
    return 0


def _shown(args: argparse.Namespace, searcher: Searcher) -> int:
    found = searcher.document(args.id)
    if found is None:
        raise DataError(f'There is no document "{args.id}".')
    if args.json:
        print(json.dumps(found))
        return 0
    for name, value in {searcher.collection.schema.target: found["id"], **found["fields"]}.items():
        if value is not None:
            print(f"{printable(name)}: {_clean(str(value))}")
    return 0


def _in_file(rows: str, fault: RequestError) -> str:
    """A fault of a list of documents in the words of the file that they came from."""
    found = re.fullmatch(r"\$\[(\d+)\](?:\.(.*))?", fault.path, re.DOTALL)
    if found is None:
        return f"{rows}: {fault.reason}"
    column = f', "{found[2]}"' if found[2] else ""
    return f"{rows}, row {int(found[1]) + 1:,}{column}: {fault.reason}"


_BATCH = 20_000
_WAYS = {"add": _add, "delete": _delete, "show": _show}
