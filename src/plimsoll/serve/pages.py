"""The pages that every server has: whether it serves, what it counted, and what may be sent to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

from plimsoll.serve.counters import Counters
from plimsoll.serve.monitor import Monitor
from plimsoll.serve.openapi import page
from plimsoll.serve.routes import HTML, PROMETHEUS, Asked, Reply, Route, Who, decoded
from plimsoll.serve.served import Served

if TYPE_CHECKING:  # a server without a policy need not know what a review is
    from plimsoll.serve.review import Review

MOST_FORM = 20_000  # bytes of a reviewer's form


def plain(
    served: Served,
    counted: Callable[[], Counters],
    most_rows: int,
    appeals: bool = False,
    more: Callable[[], Awaitable[str]] | None = None,
) -> dict[str, Route]:
    """Health, counts and the OpenAPI page, which tells of ``appeals`` where there is somebody to decide them; ``more`` are
    further lines of counts."""

    async def health(asked: Asked) -> Reply:
        return Reply(200, b'{"status":"ok"}')

    async def metrics(asked: Asked) -> Reply:
        further = await more() if more is not None else ""
        return Reply(200, (counted().text() + further).encode(), PROMETHEUS)

    async def openapi(asked: Asked) -> Reply:
        now = served.now
        streams = now.answerer.bundle.job.decode is not None
        return Reply(
            200,
            msgspec.json.encode(page(now.answerer.schema, most_rows, now.gate, appeals, streams, now.answerer.changes)),
        )

    return {
        "/health": Route(health, who=Who.ANYONE),
        "/metrics": Route(metrics),
        "/openapi.json": Route(openapi),
    }


def reviewed(review: Review) -> dict[str, Route]:
    """The pages for people, who are asked there who they are; and the way to appeal."""

    async def shown(asked: Asked) -> Reply:
        return await review.reply(asked.method, asked.path, asked.headers, asked.body)

    async def appeal(asked: Asked) -> Reply:
        told = decoded(asked.body, _Appeal, '{"id": "…", "because": "…"}')
        number = await asyncio.to_thread(review.appeal, told.id, told.because)
        return Reply(202, msgspec.json.encode({"id": number}))

    return {
        "/appeal": Route(appeal, ("POST",)),
        "/review": Route(shown, ("GET", "POST"), Who.ANYONE, MOST_FORM, below=True),
    }


def watched(monitor: Monitor) -> dict[str, Route]:
    """What is watched, for people and for programs; and the way to tell what was true."""

    async def watch(asked: Asked) -> Reply:
        told = await monitor.told()
        if b"text/html" not in asked.headers.get(b"accept", b""):
            return Reply(200, msgspec.json.encode(told.as_json()))
        from plimsoll.report.watched import policy, render

        return Reply(200, render(told).encode(), HTML, ((b"content-security-policy", policy().encode()),))

    async def feedback(asked: Asked) -> Reply:
        return Reply(202, msgspec.json.encode({"labels": monitor.feedback(asked.body)}))

    return {"/watch": Route(watch), "/feedback": Route(feedback, ("POST",))}


class _Appeal(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    because: str = ""
