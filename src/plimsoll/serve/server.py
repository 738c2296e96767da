"""A server put together, and run until it is told to stop."""

from __future__ import annotations

import gc
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from plimsoll.errors import MissingExtra
from plimsoll.serve.address import check_address, listen
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.app import App
from plimsoll.serve.caps import Caps, patience
from plimsoll.serve.counters import Counters
from plimsoll.serve.desk import Desk
from plimsoll.serve.monitor import Monitor, saved
from plimsoll.serve.pace import Pace
from plimsoll.serve.pages import plain, reviewed, watched
from plimsoll.serve.routes import Keys, Route
from plimsoll.serve.served import Served
from plimsoll.serve.version import Origin, Version, load

if TYPE_CHECKING:  # a server without a policy need not know what one is
    from plimsoll.policy.rules import Policy
    from plimsoll.serve.keeper import Keeper
    from plimsoll.serve.review import Review


@dataclass(frozen=True)
class Orders:
    """What is to be served and how: the version to begin with, where decisions are kept and reviewed, and the caps."""

    origin: Origin
    records: Path | None = None
    queue: str | None = None
    keys: Keys = field(default_factory=Keys)
    caps: Caps = field(default_factory=Caps)
    patience: float | None = None  # seconds; None: from what the bundle was limited to, or measured at
    watch: Path | None = None  # the file from which watching goes on after a restart


@dataclass(frozen=True)
class House:
    """A server put together, not yet running."""

    app: App
    served: Served
    keeper: Keeper | None = None
    review: Review | None = None

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Writes what is kept for as long as it lasts."""
        with ExitStack() as stack:
            stack.enter_context(saved(self.app.monitor))
            if self.keeper is not None:
                from plimsoll.serve.keeper import flushed

                stack.enter_context(flushed(self.keeper))
            yield


def build(orders: Orders) -> House:
    """Raises UserError where something cannot be loaded, or not be kept where it should be."""
    keeper = _keeper(orders)
    version = load(orders.origin, keeper, orders.caps.rows)
    waits = orders.patience if orders.patience is not None else patience(version.answerer.bundle.facts)
    review = None
    if keeper is not None and keeper.queue is not None and version.gate is not None:
        from plimsoll.serve.review import Review

        choice = choices(version.gate.policy, version.answerer.schema.classes)
        review = Review(keeper.queue, choice, orders.keys.caller)
    app, served = assemble(version, orders.keys, replace(orders.caps, patience=waits), review, orders.watch)
    # What is loaded stays until the end, so the collector need never walk it again.
    gc.collect()
    gc.freeze()
    return House(app, served, keeper, review)


def assemble(
    version: Version,
    keys: Keys | None = None,
    caps: Caps | None = None,
    review: Review | None = None,
    watch: Path | None = None,
) -> tuple[App, Served]:
    """The app over a version, with all of its pages."""
    keys, caps = keys or Keys(), caps or Caps()
    served, counters = Served(version), Counters()
    desk = Desk(served, counters, keys, caps, Pace(_usual(version.answerer)))
    monitor = Monitor(served, watch)
    desk.watch = monitor.note
    routes: dict[str, Route] = {**plain(served, lambda: counters, caps.rows, monitor.lines), **watched(monitor)}
    if review is not None:
        routes.update(reviewed(review))
    return App(desk, routes, keys, caps, monitor), served


def ready(bundle: Path | str) -> tuple[App, Answerer]:
    """The app over a bundle, loaded: what the server runs, and what the meter measures."""
    house = build(Orders(Origin(Path(bundle))))
    return house.app, house.served.now.answerer


def _usual(answerer: Answerer) -> float:
    """The median that the bundle was measured at; zero where that is not known."""
    measured: Any = answerer.bundle.facts.get("measured", {})
    found = measured.get("p50", 0.0) if isinstance(measured, Mapping) else 0.0
    return found if isinstance(found, float) and 0.0 < found < 60.0 else 0.0


def _keeper(orders: Orders) -> Keeper | None:
    if orders.records is None and orders.queue is None:
        return None
    from plimsoll.policy.queue import Queue
    from plimsoll.policy.records import Recorder
    from plimsoll.serve.keeper import Keeper

    queue = Queue(orders.queue) if orders.queue is not None else None
    return Keeper(Recorder(orders.records) if orders.records is not None else None, queue)


def choices(policy: Policy, classes: Sequence[str]) -> tuple[str, ...]:
    """What may be said of an event: what the model learns to say, where the policy's truth is told so; else an outcome."""
    told = [value for values in (policy.truth.right if policy.truth else {}).values() for value in values]
    return tuple(classes) if told and set(told) <= set(classes) else tuple(o for o in policy.outcomes if o != "review")


def server(app: App, caps: Caps | None = None) -> Any:
    """A uvicorn server with everything imported that serving needs."""
    try:
        import uvicorn

        from plimsoll.serve.wire import wire
    except ImportError:
        raise MissingExtra("Serving needs uvicorn. Install it: pip install 'plimsoll[serve]'.") from None
    config = uvicorn.Config(
        app,
        http=wire(app.desk),
        lifespan="off",
        ws="none",
        interface="asgi3",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        limit_concurrency=(caps or Caps()).connections,
        timeout_graceful_shutdown=10,
    )
    config.load()
    return uvicorn.Server(config)


def run(orders: Orders, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve until told to stop. Raises UserError where the address is open to others without a token, or is taken."""
    check_address(host, orders.keys.caller)
    with listen(host, port) as listener:
        house = build(orders)
        made = server(house.app, orders.caps)
        shown = f"[{host}]" if ":" in host else host
        place = f"http://{shown}:{listener.getsockname()[1]}"
        print(f"Serving {orders.origin.bundle} on {place}", file=sys.stderr, flush=True)
        if orders.queue is not None:
            print(f"People review at {place}/review", file=sys.stderr, flush=True)
        with _unwound(), house.keeping():
            made.run(sockets=[listener])


@contextmanager
def _unwound() -> Iterator[None]:
    """Lets what is kept be written before SIGTERM ends the process, which then ends as it would have.

    uvicorn raises the signal again once it has stopped, and that alone would end the process at once.
    """
    caught: list[int] = []

    def stop(number: int, frame: object) -> None:
        caught.append(number)
        raise SystemExit(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if caught:
            signal.raise_signal(caught[0])
