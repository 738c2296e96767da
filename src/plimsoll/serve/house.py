"""A server put together: a version, what keeps its decisions, and the pages over it; not yet running."""

from __future__ import annotations

import gc
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from plimsoll.errors import UserError
from plimsoll.schema import Kind
from plimsoll.serve.admin import administered
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.app import App
from plimsoll.serve.board import Board
from plimsoll.serve.caps import Caps, patience
from plimsoll.serve.counters import Counters
from plimsoll.serve.desk import Desk
from plimsoll.serve.fleet import Fleet
from plimsoll.serve.inference_v2 import protocol
from plimsoll.serve.monitor import Monitor, saved
from plimsoll.serve.pace import Pace
from plimsoll.serve.pages import plain, reviewed, watched
from plimsoll.serve.routes import Keys, Route
from plimsoll.serve.served import Served
from plimsoll.serve.steering import Helm, standing
from plimsoll.serve.version import Origin, Version, load

if TYPE_CHECKING:  # a server without a policy need not know what one is
    from plimsoll.policy.rules import Policy
    from plimsoll.serve.keeper import Keeper
    from plimsoll.serve.review import Review

_WATCHED = 2.0  # seconds between two looks at what is watched, for the other workers
Tending = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Orders:
    """What is to be served and how: the version to begin with, where decisions are kept and reviewed, and the caps.

    ``folders`` are those below which a version lies that may be swapped in; those of the first where none are named.
    """

    origin: Origin
    records: Path | None = None
    queue: str | None = None
    keys: Keys = field(default_factory=Keys)
    caps: Caps = field(default_factory=Caps)
    patience: float | None = None  # seconds; None: from what the bundle was limited to, or measured at
    workers: int = 1
    folders: tuple[Path, ...] = ()
    log: str = "plain"  # or json
    log_requests: bool = False
    watch: Path | None = None  # the file from which watching goes on after a restart

    def check(self) -> None:
        """Raises UserError where the parts do not go together."""
        of_policy = {"records": self.records, "queue": self.queue, "rates": self.origin.rates}
        for name, given in of_policy.items():
            if self.origin.policy is None and given is not None:
                raise UserError(f"--{name} is of a policy. Write --policy FILE too.")
        if self.workers < 1:
            raise UserError(f"--workers {self.workers} is too few. Write 1 or more.")


@dataclass(frozen=True)
class House:
    """A server put together, not yet running; ``tending`` is what goes on beside the answers."""

    app: App
    served: Served
    keeper: Keeper | None = None
    review: Review | None = None
    tending: tuple[Tending, ...] = ()

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Writes what is kept and watched for as long as it lasts, and takes out what is kept no longer."""
        with ExitStack() as stack:
            stack.enter_context(saved(self.app.monitor))
            if self.keeper is not None:
                from plimsoll.serve.keeper import flushed

                stack.enter_context(flushed(self.keeper, self._keep))
            yield

    def _keep(self) -> float | None:
        """How many seconds what is personal is kept, by the policy that decides now."""
        gate = self.served.now.gate
        return gate.policy.keep if gate is not None else None


def build(orders: Orders, board: Board | None = None) -> House:
    """Raises UserError where something cannot be loaded, or not be kept where it should be. With a ``board``, as one of
    several workers."""
    orders.check()
    keeper = _keeper(orders, board)
    told = board.orders() if board is not None else []
    begin = standing(orders.origin, told)

    def loaded(origin: Origin) -> Version:
        return _alone(load(origin, keeper, orders.caps.rows), orders)

    version = loaded(begin.now)
    waits = orders.patience if orders.patience is not None else patience(version.answerer.bundle.facts)
    caps, review = replace(orders.caps, patience=waits), _review(orders, keeper, version)
    app, served = assemble(version, orders.keys, caps, review, _own(orders.watch, board))
    if begin.before is not None:
        served.before = loaded(begin.before)
    if begin.rival is not None:
        served.challenge(loaded(begin.rival), begin.share)
    helm = Helm(served, loaded)
    fleet = Fleet(helm, board, _posted(app, served, board), len(told)) if board is not None else None
    if orders.keys.admin is not None:
        app.routes.update(administered(fleet or helm, served, orders.folders or _around(orders.origin)))
    if fleet is not None:
        app.routes.update(plain(served, fleet.counted, caps.rows, review is not None, app.monitor.lines))
        fleet.post()
    # What is loaded stays until the end, so the collector need never walk it again.
    gc.collect()
    gc.freeze()
    return House(app, served, keeper, review, (fleet.tend,) if fleet is not None else ())


def _alone(version: Version, orders: Orders) -> Version:
    if orders.workers > 1 and version.gate is not None and version.gate.policy.made:
        name = version.gate.policy.made[0]
        raise UserError(f"{name} counts events, and each worker would count its own. Write --workers 1.")
    return version


def _own(place: Path | None, board: Board | None) -> Path | None:
    """The file of one of several workers."""
    if place is None or board is None:
        return place
    return place.with_name(f"{place.stem}.worker-{board.worker}{place.suffix}")


def _around(origin: Origin) -> tuple[Path, ...]:
    """The folders that a version came from."""
    return tuple(
        {
            place.absolute().parent: None
            for place in (origin.bundle, origin.policy, origin.lists, origin.later)
            if place is not None
        }
    )


def _posted(app: App, served: Served, board: Board) -> Callable[[], dict[str, Any]]:
    """What a worker tells the others of itself; it goes on counting where the one before in its place left off."""
    if "counters" in (before := board.own()):
        app.desk.counters.add(before["counters"])
        if app.desk.counters.streams is not None:
            app.desk.counters.streams.open = 0  # those of the one before have gone with it
    app.monitor.others = lambda: [told["watch"] for told in board.others() if told.get("watch")]
    watched: tuple[float, dict[str, Any]] = (0.0, {})

    def state() -> dict[str, Any]:
        nonlocal watched
        if monotonic() - watched[0] > _WATCHED:  # it is as long as all the rest together a hundred times
            watched = monotonic(), app.monitor.state()
        rival = served.rival.as_json() if served.rival is not None else None
        return {"counters": app.desk.counters.state(), "rival": rival, "watch": watched[1]}

    return state


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
    routes: dict[str, Route] = plain(served, lambda: counters, caps.rows, review is not None, monitor.lines)
    routes.update(watched(monitor))
    routes.update(protocol(served, desk, caps.rows))
    if review is not None:
        routes.update(reviewed(review))
    if version.answerer.schema.of(Kind.QUERY):
        routes.update(_searched(served, desk, keys))
    app = App(desk, routes, keys, caps, monitor)
    if version.answerer.bundle.job.decode is not None:
        _streamed(app, served, keys, counters)
    return app, served


def _searched(served: Served, desk: Desk, keys: Keys) -> dict[str, Route]:
    """The pages over documents."""
    from plimsoll.serve.search_routes import SearchPages  # most bundles are asked for rows

    return SearchPages(served, desk, keys).routes()


def _streamed(app: App, served: Served, keys: Keys, counters: Counters) -> None:
    """Has the app take streams too."""
    from plimsoll.serve.stream_socket import PAGE, PATH, Streams

    app.streams = Streams(served, keys, counters, watch=app.monitor.note_row)
    app.routes[PATH] = PAGE


def _usual(answerer: Answerer) -> float:
    """The median that the bundle was measured at; zero where that is not known."""
    measured: Any = answerer.bundle.facts.get("measured", {})
    found = measured.get("p50", 0.0) if isinstance(measured, Mapping) else 0.0
    return found if isinstance(found, float) and 0.0 < found < 60.0 else 0.0


def _keeper(orders: Orders, board: Board | None) -> Keeper | None:
    if orders.records is None and orders.queue is None:
        return None
    from plimsoll.policy.queue import Queue
    from plimsoll.policy.records import Recorder
    from plimsoll.serve.keeper import Keeper

    folder = orders.records
    if folder is not None and board is not None:
        folder = folder / f"worker-{board.worker}"  # a chain has one that writes it
    queue = Queue(orders.queue) if orders.queue is not None else None
    return Keeper(Recorder(folder) if folder is not None else None, queue)


def _review(orders: Orders, keeper: Keeper | None, version: Version) -> Review | None:
    if keeper is None or keeper.queue is None or version.gate is None:
        return None
    from plimsoll.serve.review import Review

    return Review(keeper.queue, choices(version.gate.policy, version.answerer.schema.classes), orders.keys.caller)


def choices(policy: Policy, classes: Sequence[str]) -> tuple[str, ...]:
    """What may be said of an event: what the model learns to say, where the policy's truth is told so; else an outcome."""
    told = [value for values in (policy.truth.right if policy.truth else {}).values() for value in values]
    return tuple(classes) if told and set(told) <= set(classes) else tuple(o for o in policy.outcomes if o != "review")
