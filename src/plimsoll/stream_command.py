"""``plimsoll stream``: a recording sent as a sensor would send it, and what is decided of it shown as it is decided."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Sequence
from typing import Any

from plimsoll import bundle as bundles
from plimsoll import stream_text
from plimsoll.errors import DataError
from plimsoll.planted import Faults, plan
from plimsoll.printed import printable
from plimsoll.progress import rewritten
from plimsoll.replay import Replay, chosen
from plimsoll.serve.answering import answering
from plimsoll.stream_ends import End, Here, There, Told
from plimsoll.stream_text import Heard

_PACKET = 0.01  # seconds of signal in a packet
_SHOWN = 0.1  # seconds between two pictures
_NAP = 0.002  # and at most between two looks at what was told
_UP, _CLEAR = "\x1b[{}A", "\x1b[J"


def stream(args: argparse.Namespace) -> int:
    """0, or 130 where it was stopped; either way with a summary."""
    faults = Faults.parse(args.drop, args.reorder, args.burst, args.drift)
    if not 0.01 <= args.speed <= 1_000:
        raise DataError(f"--speed {args.speed:g} is not a speed. Write a number such as 1, from 0.01 to 1000.")
    answerer = answering(bundles.read(bundles.of(args.bundle)))
    session = answerer.session(args.person)
    samples, person = chosen(answerer.bundle, session.rate, args.source, args.row, args.person, args.session)
    token = os.environ.get("PLIMSOLL_TOKEN")
    end: End = There(args.to, person, session.rate, token) if args.to else Here(answerer, person, args.speed)
    size = session.frames(_PACKET)
    replay = Replay(samples, plan(len(samples), session.rate, size, args.speed, faults), args.speed, faults)
    view = _view(args, Heard(end.ready["channels"]), bool(end.ready.get("events")))
    try:
        code, cpu = _run(replay, end, view), end.cpu
    finally:
        view.end()
    found = stream_text.summary(view.heard, min(replay.seconds, len(samples) / session.rate), cpu)
    view.close(found)
    return code


def _run(replay: Replay, end: End, view: _View) -> int:
    begun = time.perf_counter()

    def tell(told: Sequence[Told]) -> None:
        for when, message in told:
            view.tell(message, replay.delays(message, when - begun))

    code = 0
    try:
        for due, packet, frames in replay.packets():
            while (left := due.when - (time.perf_counter() - begun)) > 0:
                tell(end.heard())
                view.show(due.sent)
                time.sleep(min(left, _NAP) if left > _NAP else left)
            view.heard.hear(frames)
            end.send(packet)
            tell(end.heard())
            view.show(due.sent)
    except KeyboardInterrupt:
        code = 130
    tell(end.close())
    return code


class _View:
    """Tells of a stream one line after another: of each event and symbol, or of each change of class where no rule decides on
    events."""

    def __init__(self, heard: Heard, decides: bool = False) -> None:
        self.heard = heard
        self._decides = decides
        self._last: Any = None

    def tell(self, message: dict[str, Any], delays: dict[float, float]) -> None:
        for each in message.get("events", ()):
            self._say(stream_text.event(each, delays[each["at"]]))
        for each in message.get("symbols", ()):
            self._say(stream_text.symbol(each, delays[each["at"]]))
        for moment in message.get("moments", ()):
            if moment["prediction"] != self._last and not self._decides:
                self._say(stream_text.change(moment, delays[moment["at"]]))
            self._last = moment["prediction"]
        before = len(self.heard.notes)
        self.heard.tell(message, delays)
        for note in self.heard.notes[before:]:
            self._say(f"  ! {note}")

    def show(self, seconds: float) -> None:
        pass

    def end(self) -> None:
        """Leaves the terminal as it was."""

    def close(self, found: dict[str, Any]) -> None:
        print("\n".join(stream_text.closing(found)))

    def _say(self, line: str) -> None:
        print(printable(line), flush=True)


class _Json(_View):
    """A JSON object a line: ``moment``, ``event``, ``symbol`` or, at the end, ``summary``."""

    def tell(self, message: dict[str, Any], delays: dict[float, float]) -> None:
        for name in ("moment", "event", "symbol"):
            for each in message.get(f"{name}s", ()):
                print(json.dumps({name: {**each, "delay": delays[each["at"]]}}), flush=True)
        self.heard.tell(message, delays)

    def close(self, found: dict[str, Any]) -> None:
        print(json.dumps({"summary": found}))


class _Screen(_View):
    """A picture that is drawn again ten times a second."""

    def __init__(self, heard: Heard, decides: bool = False) -> None:
        super().__init__(heard, decides)
        self._next = 0.0
        self._high = 0

    def tell(self, message: dict[str, Any], delays: dict[float, float]) -> None:
        self.heard.tell(message, delays)

    def show(self, seconds: float) -> None:
        now = time.perf_counter()
        if now < self._next:
            return
        self._next = now + _SHOWN
        lines = stream_text.screen(self.heard, seconds, shutil.get_terminal_size().columns - 1)
        up = _UP.format(self._high) if self._high else ""
        sys.stdout.write(up + "\r" + _CLEAR + "\n".join(lines) + "\n")
        sys.stdout.flush()
        self._high = len(lines)

    def end(self) -> None:
        sys.stdout.flush()


def _view(args: argparse.Namespace, heard: Heard, decides: bool) -> _View:
    if args.json:
        return _Json(heard)
    return _Screen(heard, decides) if rewritten(sys.stdout) else _View(heard, decides)
