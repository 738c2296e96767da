"""The pages of those who say what is served: look, swap, go back, try a candidate. They ask for a token of their own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from plimsoll.errors import RequestError, UserError
from plimsoll.serve.routes import Asked, Reply, Route, Who, decoded
from plimsoll.serve.served import Served
from plimsoll.serve.steering import Order, Steering, ordered
from plimsoll.serve.version import Origin

_MOST = 10_000  # bytes of an order


class _Load(msgspec.Struct, forbid_unknown_fields=True):
    """What to load; what is left out comes from where it came before."""

    bundle: str | None = None
    policy: str | None = None
    rates: str | None = None
    lists: str | None = None
    later: str | None = None
    share: float = 0.0


def administered(steering: Steering, served: Served, folders: Sequence[Path]) -> dict[str, Route]:
    """``folders`` are those below which bundles and policies may lie."""

    async def show(asked: Asked) -> Reply:
        return Reply(200, msgspec.json.encode(steering.shown()))

    def change(order: Callable[[bytes], Order]) -> Route:
        async def answer(asked: Asked) -> Reply:
            try:
                await steering.do(order(asked.body))
            except RequestError:
                raise
            except UserError as fault:
                raise RequestError("$", str(fault), 409) from None
            return await show(asked)

        return _route(answer, "POST")

    def loading(do: str) -> Callable[[bytes], Order]:
        return lambda body: _order(do, body, served.now.origin, folders)

    routes = {f"/admin/{do}": change(loading(do)) for do in ("swap", "candidate")}
    routes |= {f"/admin/{do}": change(partial(_bare, do)) for do in ("rollback", "promote", "dismiss", "reset")}
    return {"/admin": _route(show, "GET"), **routes}


def _bare(do: str, body: bytes) -> Order:
    """A change that needs no words."""
    decoded(body or b"{}", _Nothing, "{}")
    return Order(do)


class _Nothing(msgspec.Struct, forbid_unknown_fields=True):
    pass


def _route(answer: Callable[[Asked], Awaitable[Reply]], method: str) -> Route:
    return Route(answer, (method,), Who.ADMIN, _MOST)


def _order(do: str, body: bytes, now: Origin | None, folders: Sequence[Path]) -> Order:
    told = decoded(body or b"{}", _Load, '{"bundle": "runs/next", "policy": "policy.toml"}')
    if not 0.0 <= told.share <= 1.0:
        raise RequestError("$.share", f"expected a share from 0 (a shadow) to 1, got {told.share:g}")
    if told.share and do == "swap":
        raise RequestError("$.share", "only a candidate answers a share of the requests. Ask for /admin/candidate.")
    found = {
        name: _below(name, given, folders) if given is not None else getattr(now, name, None)
        for name, given in (("bundle", told.bundle), ("policy", told.policy), ("lists", told.lists))
    }
    if found["bundle"] is None:
        raise RequestError("$.bundle", "say which bundle")
    # How often rules fire was told of one policy; another needs its own backtest.
    same = told.policy is None and now is not None
    rates = _below("rates", told.rates, folders) if told.rates is not None else (now.rates if same and now else None)
    # Documents that come later come after one bundle; another was made with them, or has a file of its own.
    kept = now.later if now is not None and told.bundle is None else None
    later = _below("later", told.later, folders) if told.later is not None else kept
    return ordered(do, Origin(found["bundle"], found["policy"], rates, found["lists"], later), told.share)


def _below(name: str, given: str, folders: Sequence[Path]) -> Path:
    """A path that lies below one of the folders, links followed."""
    try:
        place = Path(given).resolve()
    except (OSError, ValueError, RuntimeError):
        raise RequestError(f"$.{name}", "this is not a path") from None
    if not any(place.is_relative_to(folder.resolve()) for folder in folders):
        shown = ", ".join(str(folder) for folder in folders)
        raise RequestError(
            f"$.{name}", f"what is served comes from below {shown}. Begin the server with --swap-from DIR.", 403
        )
    return Path(given)
