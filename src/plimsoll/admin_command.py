"""``plimsoll admin URL``: says what a running server answers with, and shows how a candidate compares."""

from __future__ import annotations

import argparse
import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any

from plimsoll import units
from plimsoll.errors import UserError
from plimsoll.printed import columns, printable

_WAIT = 60.0  # seconds that a change may take: a bundle is loaded and tried first
_MOST = 10_000_000  # bytes of an answer
_SHOWN = 8  # kinds of change


def admin(args: argparse.Namespace) -> int:
    """Raises UserError for what the server refuses, or where there is none."""
    told = asked(args.url, args.do, _words(args), os.environ.get("PLIMSOLL_ADMIN_TOKEN", ""))
    for line in [json.dumps(told)] if args.json else shown(told):
        print(printable(line))
    return 0


def _words(args: argparse.Namespace) -> dict[str, Any] | None:
    """What goes with a change; None where it is only looked at."""
    given = {
        name: getattr(args, name)
        for name in ("bundle", "policy", "rates", "lists", "later")
        if getattr(args, name) is not None
    }
    if args.share:
        given["share"] = args.share
    if args.do not in ("swap", "candidate"):
        if given:
            raise UserError(
                f"{args.do} needs no more words. To load something, write: plimsoll admin {args.url} swap BUNDLE"
            )
        return None if args.do == "show" else {}
    return given


def asked(url: str, do: str, words: Mapping[str, Any] | None, token: str) -> dict[str, Any]:
    """What the server says. Raises UserError."""
    if not url.startswith(("http://", "https://")):
        raise UserError(f'"{url}" is no address of a server. Write http://127.0.0.1:8000.')
    if not token:
        raise UserError("Set the server's own admin token in PLIMSOLL_ADMIN_TOKEN, as it was set for plimsoll serve.")
    address = f"{url.rstrip('/')}/admin" + ("" if words is None else f"/{do}")
    body = None if words is None else json.dumps(words).encode()
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    request = urllib.request.Request(address, body, headers)  # noqa: S310  # http and https alone
    try:
        with urllib.request.urlopen(request, timeout=_WAIT) as reply:  # noqa: S310
            told: dict[str, Any] = json.loads(reply.read(_MOST))
            return told
    except urllib.error.HTTPError as fault:
        with fault:
            raise UserError(_fault(url, fault)) from None
    except (OSError, ValueError) as fault:
        raise UserError(f"{url}: does not answer: {getattr(fault, 'reason', fault)}.") from None


def _fault(url: str, fault: urllib.error.HTTPError) -> str:
    if fault.code == 401:
        return f"{url}: refuses the token in PLIMSOLL_ADMIN_TOKEN."
    if fault.code == 404:
        return f"{url}: has no admin pages. Set PLIMSOLL_ADMIN_TOKEN where plimsoll serve begins."
    try:
        told = json.loads(fault.read(_MOST))["error"]
        return f"{url}: {told['path']}: {told['message']}" if told["path"] != "$" else f"{url}: {told['message']}"
    except (ValueError, KeyError, TypeError):
        return f"{url}: answers with {fault.code}."


def shown(told: Mapping[str, Any]) -> Iterator[str]:
    """The versions, and how the candidate compares."""
    rows = [[name, _named(told[key])] for name, key in (("answers now", "now"), ("before", "before")) if told.get(key)]
    rival = told.get("rival")
    if rival:
        share = f"{rival['share']:.0%} of the requests" if rival["share"] else "a shadow"
        rows.append(["candidate", f"{_named(rival)}, {share}"])
    width = max(len(row[0]) for row in rows)
    yield from (f"{name.ljust(width)}  {what}" for name, what in rows)
    for rule in told["now"].get("held_back", ()):
        yield f'The rule "{rule}" ran away from its backtest and is held back: its events are reviewed.'
    for path, compared in (rival["compared"] if rival else {}).items():
        yield ""
        yield from _compared(path, compared)


def _named(version: Mapping[str, Any]) -> str:
    policy = f" under {version['policy']}" if version.get("policy") else ""
    return f"{version.get('bundle', '')} ({version['digest'][:8]}){policy}"


def _compared(path: str, told: Mapping[str, Any]) -> Iterator[str]:
    many = told["compared"]
    if not many:
        yield f"{path}: nothing has been compared yet."
        return
    yield f"{path}: {told['same']:,} of {many:,} the same ({told['same'] / many:.1%})"
    if told["apart"]:
        yield f"  numbers lie {told['apart'] / many:.4g} apart on average"
    if told["changes"]:
        yield from (f"  {line}" for line in columns(_changes(told["changes"])))
    for name, key in (("passed over in haste", "passed_over"), ("failed", "failed")):
        if told[key]:
            yield f"  {told[key]:,} {name}"
    times = told["seconds"]
    if times["now"]["mean"] is not None and times["rival"]["mean"] is not None:
        one, other = (units.show(times[each]["mean"], units.TIME) for each in ("now", "rival"))
        yield f"  mean time {one} now, {other} by the candidate"


def _changes(changes: list[Mapping[str, Any]]) -> list[list[str]]:
    return [[f"{each['before']} → {each['after']}", f"{each['count']:,}"] for each in changes[:_SHOWN]]
