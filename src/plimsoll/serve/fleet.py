"""Several workers that answer as one: a change that one is told, all make; what each counted is added up."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from plimsoll.errors import UserError
from plimsoll.serve.board import Board
from plimsoll.serve.counters import Counters
from plimsoll.serve.journal import tell
from plimsoll.serve.rival import summed
from plimsoll.serve.steering import Helm, Order

_LOOK = 0.05  # seconds between two looks at the board
_POST = 0.25  # and between two posts
_FOLLOW = 30.0  # seconds in which all workers should have followed


class Fleet:
    """One worker's part in it. ``state`` is what this worker posts, beside how far it has followed."""

    def __init__(self, helm: Helm, board: Board, state: Callable[[], dict[str, Any]], done: int) -> None:
        self._helm = helm
        self._board = board
        self._state = state
        self._done = done  # changes that this worker has made
        self._turn = asyncio.Lock()

    async def do(self, order: Order) -> None:
        """Makes the change here, where it may fail, and then everywhere."""
        with ExitStack() as held:
            await asyncio.to_thread(held.enter_context, self._board.alone())
            await self._follow()
            await self._helm.do(order)
            self._done = number = self._board.add(order)
        self.post()
        await self._followed(number)

    def shown(self) -> dict[str, Any]:
        """As this worker has it, with what all have counted of a candidate."""
        told, others = self._helm.shown(), self._board.others()
        if told["rival"] is not None:
            rivals = [told["rival"], *(state["rival"] for state in others if state.get("rival"))]
            told["rival"]["compared"] = {
                path: summed(rival["compared"][path] for rival in rivals if path in rival["compared"])
                for path in told["rival"]["compared"]
            }
        return {**told, "workers": 1 + len(others)}

    def post(self) -> None:
        self._board.post({**self._state(), "done": self._done})

    def counted(self) -> Counters:
        """What all workers have counted."""
        return Counters.summed(
            [state["counters"] for state in (self._state(), *self._board.others()) if "counters" in state]
        )

    async def tend(self) -> None:
        """Follows what others are told, and posts what is counted, for as long as the server runs."""
        posted = 0.0
        while True:
            await asyncio.sleep(_LOOK)
            await self._follow()
            if time.monotonic() - posted > _POST:
                self.post()
                posted = time.monotonic()

    async def _follow(self) -> None:
        async with self._turn:
            for order in self._board.orders()[self._done :]:
                try:
                    await self._helm.do(order)
                except UserError as fault:
                    # One that answers otherwise than the others is worse than none: it ends, and is begun anew.
                    tell("behind", f"A change that another worker made fails here: {fault}", logging.ERROR)
                    os.kill(os.getpid(), signal.SIGTERM)
                    return
                self._done += 1
                self.post()

    async def _followed(self, number: int) -> None:
        end = time.monotonic() + _FOLLOW
        while late := [state["worker"] for state in self._board.others() if state.get("done", 0) < number]:
            if time.monotonic() > end:
                raise UserError(f"Worker {late[0]} has not followed in {_FOLLOW:g} seconds. Look at its log.")
            await asyncio.sleep(_LOOK / 2)
