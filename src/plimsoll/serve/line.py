"""One stream as a server hears it: packets in as they come, messages out. It has no socket, and is told what time it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from time import perf_counter
from typing import Any

from plimsoll.errors import RequestError
from plimsoll.rows import Value
from plimsoll.serve.outbox import Outbox
from plimsoll.serve.packets import End, Hello, Packet, read
from plimsoll.serve.session import Chunk, Event, Moment, Session, Symbol, Told
from plimsoll.serve.stream_counts import StreamCounts
from plimsoll.serve.streams import Bounds, Drift, Gap, Gaps, Reorder, Rush

Watch = Callable[[Sequence[Value], list[float]], None]  # is told of a row and its probabilities
_WATCHED = 1.0  # seconds between two moments of a stream that are watched
_LOOK = 3.0  # and between two looks at its clocks


class Line:
    """Puts packets in order, makes up what is lost, asks the session, and gathers in ``outbox`` what is to be told.

    ``all_counts`` are those of all streams of a server; ``counts`` its own.
    """

    def __init__(
        self,
        session: Session,
        asked: Hello,
        bounds: Bounds | None = None,
        all_counts: StreamCounts | None = None,
        watch: Watch | None = None,
    ) -> None:
        self.bounds = _asked(bounds or Bounds(), asked)
        self.counts = StreamCounts()
        self.outbox = Outbox(self.bounds.moments, self.bounds.events)
        self.ended = False
        self.session = session
        self._asked = asked
        self._all = all_counts or StreamCounts()
        self._watch = watch
        self._watched = self._looked = -1e9
        decode = session.bundle.job.decode
        self._packet = session.frames(self.bounds.packet)
        self._slice = session.frames(decode.stride) if decode is not None else self._packet
        self._reorder = Reorder(session.frames(self.bounds.reorder), self.bounds.reorder)
        self._gaps = Gaps(session.frames(self.bounds.fill))
        self._rush = Rush(session.rate, self.bounds.times, self.bounds.rush)
        self._clock, self._samples = Drift(), Drift()
        self._seen = (0, 0, 0, 0)

    @property
    def due(self) -> float | None:
        """When ``lapse`` is to be called, where no packet comes before."""
        return self._reorder.due

    def hear(self, data: bytes | str, now: float) -> Iterator[None]:
        """Takes a message, and pauses after each stride of samples so that others may be answered meanwhile.

        Raises RequestError where it is none or comes too fast, and Overflow where more events wait than may.
        """
        found = read(data, self._asked, self.session.layout, self._packet)
        if isinstance(found, End):
            self.ended = True
            yield from self._heard(self._reorder.flush(), now)
            self.outbox.more(self._counted(self.session.end()))
            return
        if not self._rush.takes(max(1, len(found.frames)), now):
            raise RequestError(
                "$", f"signal comes at more than {self.bounds.times:g} times the rate that it is of.", 429
            )
        self._all.packets += 1
        self.counts.packets += 1
        self._note_clock(found, now)
        yield from self._heard(self._reorder.put(found, now), now)

    def lapse(self, now: float) -> Iterator[None]:
        """Goes on without packets that have been waited for long enough."""
        yield from self._heard(self._reorder.lapse(now), now)

    def _heard(self, packets: Sequence[Packet], now: float) -> Iterator[None]:
        for packet in packets:
            if (gap := self._gaps.before(packet)) is not None:
                self._mend(gap, packet)
            yield from self._step(packet, now)
            self._note_samples(now)
        self._count_order()

    def _mend(self, gap: Gap, packet: Packet) -> None:
        self._count("lost", gap.packets)
        if gap.filled is not None:
            self._count("filled", gap.frames)
            self.outbox.put(packet.seq, packet.sent, self._asked_of(gap.filled))
            return
        self._count("restarted", 1)
        self.outbox.more(self._counted(self.session.restart(gap.frames)))
        self.outbox.note(restarted={"at": self.session.seconds, "lost": gap.frames})
        if not gap.frames:  # nobody knows how long the sender was away
            self._samples.begin()
            self._clock.begin()

    def _step(self, packet: Packet, now: float) -> Iterator[None]:
        frames = packet.frames
        for place in range(0, len(frames), self._slice):
            if place:
                yield
            part = frames[place : place + self._slice] if len(frames) > self._slice else frames
            told = self._asked_of(part)
            if told:
                self._watch_one(told, now)
                self.outbox.put(packet.seq, packet.sent, told)
            self._count("thinned", self.outbox.thinned - self.counts.faults["thinned"])

    def _asked_of(self, frames: Chunk) -> list[Told]:
        begun = perf_counter()
        told = self._counted(self.session.push(frames))
        self.counts.frames += len(frames)
        self._all.frames += len(frames)
        self._all.times.add(perf_counter() - begun)
        return told

    def _counted(self, told: list[Told]) -> list[Told]:
        kinds = Counter(map(type, told))
        for counts in (self.counts, self._all):
            counts.moments += kinds[Moment]
            counts.events += kinds[Event]
            counts.symbols += kinds[Symbol]
        return told

    def _watch_one(self, told: Sequence[Any], now: float) -> None:
        if self._watch is not None and now - self._watched >= _WATCHED:
            self._watched = now
            moment = next(each for each in reversed(told) if type(each) is Moment)
            self._watch(self.session.values(), list(moment.probabilities.values()))

    def _note_clock(self, packet: Packet, now: float) -> None:
        if packet.sent == packet.sent:  # a sender may have no clock
            self._clock.note(packet.sent, now)

    def _note_samples(self, now: float) -> None:
        """Every few seconds looks at what the clocks say."""
        if not self._samples.note(self.session.seconds, now) or now - self._looked < _LOOK:
            return
        self._looked = now
        clocks = self.clocks()
        far = [name for name in ("clock", "samples") if abs(clocks.get(name) or 0.0) > self.bounds.drift]
        if far and not self.counts.faults["drifted"]:
            self._count("drifted", 1)
            self.outbox.note(warning=_warning(clocks, self.session.rate), clocks=clocks)
        if clocks:
            self.outbox.note(clocks=clocks)

    def clocks(self) -> dict[str, float]:
        """The share by which this clock gains on the sender's, and on one that counts samples; and the rate that these come at."""
        clock, samples = self._clock.share, self._samples.share
        told = {} if clock is None else {"clock": round(clock, 6)}
        if samples is None:
            return told
        return {**told, "samples": round(samples, 6), "rate": round(self.session.rate * (1.0 - samples), 3)}

    def summary(self) -> dict[str, Any]:
        """What is said last: all that was counted, and what the clocks say."""
        sums = {name: getattr(self.counts, name) for name in ("packets", "frames", "moments", "events", "symbols")}
        return {"ended": {**sums, "faults": self.counts.faults, "clocks": self.clocks()}}

    def _count_order(self) -> None:
        """What was put in order since the last look is counted."""
        order = self._reorder
        seen = (order.doubled, order.reordered, order.late, self._rush.bursts)
        if seen != self._seen:
            before, self._seen = self._seen, seen
            for kind, now, then in zip(("doubled", "reordered", "late", "bursts"), seen, before, strict=True):
                self._count(kind, now - then)

    def _count(self, kind: str, many: int) -> None:
        if many:
            self.counts.faults[kind] += many
            self._all.faults[kind] += many
            self.outbox.note(faults={name: count for name, count in self.counts.faults.items() if count})


def _asked(bounds: Bounds, asked: Hello) -> Bounds:
    """The bounds with what a sender asks for: it knows how its packets travel."""
    reorder = bounds.reorder if asked.reorder is None else asked.reorder
    return replace(bounds, reorder=reorder, fill=bounds.fill if asked.fill is None else asked.fill)


def _warning(clocks: dict[str, float], rate: float) -> str:
    if abs(clocks.get("samples", 0.0)) >= abs(clocks.get("clock", 0.0)):
        return f"Samples come at {clocks['rate']:g} a second, and not at {rate:g}."
    return f"The sender's clock runs otherwise than this one by {100 * clocks['clock']:.2g} %."
