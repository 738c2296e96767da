"""A server, run until it is told to stop: in this process, or in several."""

from __future__ import annotations

import asyncio
import signal
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from plimsoll.errors import MissingExtra
from plimsoll.serve.address import check_address, listen
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.app import App
from plimsoll.serve.board import Board
from plimsoll.serve.caps import Caps
from plimsoll.serve.house import House, Orders, Tending, build
from plimsoll.serve.journal import begin, request, tell
from plimsoll.serve.version import Origin


def ready(bundle: Path | str) -> tuple[App, Answerer]:
    """The app over a bundle, loaded: what the server runs, and what the meter measures."""
    house = build(Orders(Origin(Path(bundle))))
    return house.app, house.served.now.answerer


def server(app: App, caps: Caps | None = None, tending: Sequence[Tending] = ()) -> Any:
    """A uvicorn server with everything imported that serving needs."""
    try:
        import uvicorn

        from plimsoll.serve.wire import wire
    except ImportError:
        raise MissingExtra("Serving needs uvicorn. Install it: pip install 'plimsoll[serve]'.") from None

    config = uvicorn.Config(
        app,
        log_config=None,  # the journal says where lines go
        http=wire(app.desk),
        lifespan="off",
        ws="websockets-sansio" if app.streams is not None else "none",
        ws_max_size=(caps or Caps()).body,
        ws_per_message_deflate=False,  # it costs more time than it saves, and a bomb may be small
        interface="asgi3",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        limit_concurrency=(caps or Caps()).connections,
        timeout_graceful_shutdown=10,
    )
    try:
        config.load()
    except ImportError:
        raise MissingExtra("Streams need websockets. Install it: pip install 'plimsoll[serve]'.") from None
    return _tended(uvicorn.Server, app)(config, tending)


def _tended(base: Any, app: App) -> Any:
    """A uvicorn server with something beside the answers that goes on for as long as it runs, and that says when it stops."""

    class Tended(base):  # type: ignore[misc]
        def __init__(self, config: Any, tending: Sequence[Tending]) -> None:
            super().__init__(config)
            self._tending = tending
            self._beside: list[asyncio.Task[None]] = []

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            self._beside = [asyncio.ensure_future(each()) for each in self._tending]

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            app.desk.overload.tell()
            tell("stopping", "Stopping: what has been begun is answered.")
            await super().shutdown(sockets)
            for task in self._beside:
                task.cancel()

    return Tended


def run(orders: Orders, host: str = "127.0.0.1", port: int = 8000) -> None:
    """Serve until told to stop. Raises UserError where the address is open to others without a token, or is taken."""
    begin(orders.log)
    orders.check()
    check_address(host, orders.keys.caller)
    if orders.keys.admin is not None:
        check_address(host, orders.keys.admin)
    with listen(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        place = f"http://{shown}:{listener.getsockname()[1]}"
        if orders.workers == 1:
            _work(build(orders), orders, listener, lambda: _announce(orders, place))
        else:
            from plimsoll.serve.workers import Workers

            def work(folder: Path, worker: int) -> int:
                house = build(orders, Board(folder, worker))
                _work(house, orders, listener, lambda: _announce(orders, place) if worker == 1 else None)
                return 0

            Workers(orders.workers, work).run()


def _work(house: House, orders: Orders, listener: socket.socket, say: Callable[[], None]) -> None:
    from plimsoll.serve.telemetry import exporting

    made = server(house.app, orders.caps, house.tending)
    if orders.log_requests:
        house.app.desk.ears.append(request)
    with exporting(house.app.ears, lambda: house.app.desk.counters), house.keeping():
        say()
        _leave_in_order()
        made.run(sockets=[listener])


def _announce(orders: Orders, place: str) -> None:
    tell("serving", f"Serving {orders.origin.bundle} on {place}", bundle=str(orders.origin.bundle), url=place)
    if orders.queue is not None:
        tell("reviewing", f"People review at {place}/review", url=f"{place}/review")


def _leave_in_order() -> None:
    """Lets a server that is told to stop write what it keeps and send what it has measured.

    uvicorn, once it has answered what was begun, raises the signal again, which by itself ends the process on the spot."""

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        raise SystemExit(0)

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, leave)
