"""What a running server watches: its rows, its answers and what turned out true, beside the answering and in constant memory.

An answer is noted once it has been given, and read again when there is time: at most one two-hundredth of the time goes into
that, so under load a share of the requests is looked at, and the rest is counted as passed over. Of a row nothing is kept.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, thread_time
from typing import Any

import msgspec
import numpy as np

from plimsoll import shared_file
from plimsoll.alarms import Told, told
from plimsoll.errors import BundleError, DataError, RequestError, UserError
from plimsoll.rows import Rows, Value
from plimsoll.serve.feedback import answers_of, pairs_of
from plimsoll.serve.served import Served
from plimsoll.serve.version import Version
from plimsoll.watching import Reference, Watch, summed

_MOST_WAITING = 256  # requests that wait to be looked at
_MOST_BYTES = 4 * 2**20  # of them and their answers
_SLICE, _AT_ONCE = 5e-4, 64  # seconds of reading, and requests, between two looks at who asks
_PAUSE, _SHARE = 0.02, 200.0  # seconds; after what took a second, so many seconds nothing is done
_EVERY = 60.0  # seconds between two writes of the state
_SCRAPED = 60.0  # seconds for which Prometheus is told the same
_MOST_STATE = 500_000_000  # bytes of it
_log = logging.getLogger("plimsoll.serve")


class Monitor:
    """Watches what ``served`` answers. ``place`` is the file that it goes on from and writes; ``fresh`` are the seconds for
    which what was told is told again. Raises UserError where the file holds something else.
    """

    def __init__(self, served: Served, place: Path | None = None, fresh: float = 1.0) -> None:
        self.place = place
        self.watch: Watch | None  # None where nothing can be watched
        self.fault = ""
        self.others: Callable[[], list[Mapping[str, Any]]] = list  # what other workers watched
        self._served, self._fresh = served, fresh
        self._waiting: deque[tuple[bytes, bytes, bytes]] = deque()
        self._rows: deque[tuple[Sequence[Value], list[float]]] = deque()  # moments of streams
        self._size = 0
        self._due = False
        self._hold = threading.Lock()  # the state is written by another thread
        self._one = asyncio.Lock()
        self._last: tuple[float, Told] | None = None
        self._version = served.now
        self._begin(served.now)
        if place is not None and self.watch is not None and place.exists():
            self.watch = _resumed(self.watch, place)

    def note(self, path: bytes, body: bytes, answer: bytes) -> None:
        """Takes note of an answer that was given."""
        if self._served.now is not self._version:
            self._begin(self._served.now)
        watch = self.watch
        if watch is None:
            return
        size = len(body) + len(answer)
        if len(self._waiting) >= _MOST_WAITING or self._size + size > _MOST_BYTES:
            watch.passed_over += 1
            return
        self._size += size
        self._waiting.append((path, body, answer))
        self._look_soon()

    def _look_soon(self) -> None:
        if not self._due:
            with suppress(RuntimeError):  # nobody serves: who asked calls drain()
                asyncio.get_running_loop().call_later(_PAUSE, self._look)
                self._due = True

    def note_row(self, values: Sequence[Value], probabilities: list[float]) -> None:
        """Takes note of a moment of a stream: what it was answered of, and what was answered."""
        if self._served.now is not self._version:
            self._begin(self._served.now)
        if self.watch is None:
            return
        if len(self._rows) >= _MOST_WAITING:
            self.watch.passed_over += 1
            return
        self._rows.append((values, probabilities))
        self._look_soon()

    def drain(self) -> None:
        """All that waits."""
        while self._waiting or self._rows:
            self._some(float("inf"))

    async def told(self, fresh: float | None = None) -> Told:
        """What is to be said now. Raises RequestError where nothing can be watched."""
        async with self._one:
            watch = self._watched()
            age = self._fresh if fresh is None else fresh
            if self._last is None or monotonic() - self._last[0] >= age:
                self.drain()
                found = await asyncio.to_thread(told, self._whole(watch).view())
                self._last = monotonic(), found
            return self._last[1]

    def _watched(self) -> Watch:
        """Of the version that answers now. Raises RequestError where nothing can be watched."""
        if self._served.now is not self._version:
            self._begin(self._served.now)
        if self.watch is None:
            raise RequestError("$", f"nothing is watched: {self.fault}", 404)
        return self.watch

    def _whole(self, watch: Watch) -> Watch:
        """With what other workers watched of the same bundle."""
        others = [state for state in self.others() if state.get("digest") == watch.reference.digest]
        return Watch.of(watch.reference, summed([self.state(), *others])) if others else watch

    async def lines(self) -> str:
        """What is watched, as Prometheus reads it; at most a minute old: a bootstrap takes a tenth of a second."""
        try:
            return _lines(await self.told(_SCRAPED if self._fresh else 0.0))
        except RequestError:
            return ""

    def feedback(self, body: bytes) -> int:
        """Takes answers with what turned out true; the number of all that were taken. Raises RequestError."""
        watch = self._watched()
        truth, answers = pairs_of(body, watch.reference.schema)
        with self._hold:
            watch.label(truth, answers)
        return watch.pairs.count

    def state(self) -> dict[str, Any]:
        """All that is held, as JSON values; empty where nothing is watched."""
        with self._hold:
            return self.watch.state() if self.watch is not None else {}

    def save(self) -> None:
        """Writes the state, whole or not at all. What cannot be written is said in the log."""
        if self.place is not None and (state := self.state()):
            try:
                shared_file.replace(self.place, msgspec.json.encode(state))
            except OSError as fault:
                _log.error("What was watched could not be written to %s: %s", self.place, fault)

    def _begin(self, version: Version) -> None:
        """Anew, for another version."""
        self._waiting.clear()
        self._rows.clear()
        self._size, self._version, self._last = 0, version, None
        try:
            watch, self.fault = Watch(Reference.of(version.answerer.bundle)), ""
        except BundleError as fault:
            watch, self.fault = None, str(fault)
            _log.warning("Nothing is watched: %s", fault)
        with self._hold:
            self.watch = watch

    def _look(self) -> None:
        self._due = False
        begun = thread_time()  # of this thread alone: what others take is no reason to look less
        self._some(begun + _SLICE)
        if self._waiting or self._rows:
            took = thread_time() - begun
            asyncio.get_running_loop().call_later(max(_PAUSE, _SHARE * took), self._look)
            self._due = True

    def _some(self, end: float) -> None:
        """Reads requests again until this thread has worked for so long, and counts their rows together."""
        watch, version = self.watch, self._version
        if watch is None:
            return
        schema, rival = watch.reference.schema, self._served.rival
        rows: list[Sequence[Value]] = []
        answers: list[list[float]] = []
        while self._rows and len(rows) < _AT_ONCE:
            values, probabilities = self._rows.popleft()
            rows.append(values)
            answers.append(probabilities)
        for _ in range(min(_AT_ONCE, len(self._waiting))):
            path, body, answer = self._waiting.popleft()
            self._size -= len(body) + len(answer)
            try:
                rows += version.ways[path].cells(body)
                answers += answers_of(answer, schema)
            except Exception:  # what was answered can be read; if not, watching is not what may fail
                _log.debug("Not watched.", exc_info=True)
                watch.passed_over += 1
            if thread_time() > end:
                break
        # Where another version answers a share, whose answer it was is not known: then only rows are counted.
        alone = rival is None or rival.share == 0.0
        if rows and len(rows) == len(answers):
            figures = np.array(answers) if alone else np.zeros((0, watch.reference.width))
            with self._hold:
                watch.add(Rows.of_values(schema, rows), figures)


def _resumed(watch: Watch, place: Path) -> Watch:
    """Goes on from a file; where it is of another bundle, anew. Raises UserError."""
    try:
        with place.open("rb") as file:
            state = msgspec.json.decode(file.read(_MOST_STATE))
        if isinstance(state, Mapping) and state.get("digest") not in (None, watch.reference.digest):
            _log.warning("%s is of another bundle: watching begins anew.", place)
            return watch
        return Watch.of(watch.reference, state)
    except (OSError, ValueError, RecursionError, DataError) as fault:
        told = fault.strerror if isinstance(fault, OSError) else fault
        raise UserError(f"--watch {place}: cannot be gone on from: {told}. Name another file, or remove it.") from None


@contextmanager
def saved(monitor: Monitor, every: float = _EVERY) -> Iterator[None]:
    """Has what is watched written now and then, and at the end. Raises UserError where it cannot be written at all."""
    if monitor.place is None:
        yield
        return
    if not monitor.place.absolute().parent.is_dir() or monitor.place.is_dir():
        raise UserError(f"--watch {monitor.place} cannot be written: its folder is not there, or it is a folder.")
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(every):
            monitor.save()

    thread = threading.Thread(target=write, name="monitor", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        monitor.drain()
        monitor.save()


def _lines(found: Told) -> str:
    gauge = "# HELP plimsoll_{0} {1}\n# TYPE plimsoll_{0} gauge"
    lines = [gauge.format("drift_psi", "Population stability index of a column against training time.")]
    lines += [f"plimsoll_drift_psi{{column={_quoted(each.name)}}} {each.psi:.6g}" for each in found.columns]
    lines += [f"plimsoll_drift_psi{{answer={_quoted(each.name)}}} {each.psi:.6g}" for each in found.answers]
    for name, says, live in (
        ("live_metric", "The metric on the last labels.", found.score),
        ("expected_metric", "The metric if the probabilities mean what they say.", found.expected),
    ):
        if live is not None:
            lines.append(gauge.format(name, says))
            told = (("low", live.low), ("value", live.value), ("high", live.high))
            lines += [f'plimsoll_{name}{{metric="{live.metric}",end="{end}"}} {value:.6g}' for end, value in told]
    lines += [gauge.format("alarms", "Alarms that stand."), f"plimsoll_alarms {len(found.alarms)}"]
    lines += [gauge.format("watched_rows", "Rows that are looked at."), f"plimsoll_watched_rows {found.rows}"]
    return "\n".join(lines) + "\n"


def _quoted(name: str) -> str:
    """
    >>> print(_quoted('a "b"'))
    "a \\"b\\""
    """
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
