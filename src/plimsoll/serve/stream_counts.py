"""What happened on the streams of a server, in constant memory, printed as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plimsoll.serve.times import BOUNDS, Times

# What a stream survives, by the name under which it is counted. Frames are of signal; the others count packets or times.
FAULTS = {
    "lost": "packets that never came in time",
    "filled": "frames that stand in for lost ones",
    "restarted": "times that a stream began anew after a gap",
    "doubled": "packets that came twice",
    "reordered": "times that packets were put back into order",
    "late": "packets that came after they had been given up",
    "bursts": "times that packets came in a rush",
    "thinned": "moments that a slow reader was not told of",
    "drifted": "streams whose clock ran otherwise than was said",
}


class StreamCounts:
    """Of one stream, or of all of a server.

    >>> counts = StreamCounts()
    >>> counts.faults["lost"] += 2
    >>> [line for line in counts.text().splitlines() if "lost" in line]
    ['plimsoll_stream_faults_total{kind="lost"} 2']
    """

    def __init__(self) -> None:
        self.open = 0
        self.ended: dict[str, int] = {}  # streams by why they ended
        self.packets = self.frames = self.moments = self.events = self.symbols = 0
        self.faults = dict.fromkeys(FAULTS, 0)
        self.times = Times()  # of a packet's frames, from in hand to their answers in hand

    def end(self, why: str) -> None:
        """One stream fewer; ``why`` is one of few words."""
        self.open -= 1
        self.ended[why] = self.ended.get(why, 0) + 1

    def state(self) -> dict[str, Any]:
        """All of it, to be added up with what other workers counted."""
        sums = {name: getattr(self, name) for name in _SUMS}
        return {**sums, "ended": self.ended, "faults": self.faults, "times": self.times.as_json()}

    def add(self, state: Mapping[str, Any]) -> None:
        """Adds what another counted."""
        for name in _SUMS:
            setattr(self, name, getattr(self, name) + state[name])
        for mine, others in ((self.ended, state["ended"]), (self.faults, state["faults"])):
            for name, count in others.items():
                mine[name] = mine.get(name, 0) + count
        self.times.join(state["times"])

    def text(self) -> str:
        lines = ["# HELP plimsoll_streams_open Streams under way.", "# TYPE plimsoll_streams_open gauge"]
        lines += [f"plimsoll_streams_open {self.open}"]
        lines += _head("streams_ended_total", "Streams that ended, by why.")
        lines += [f'plimsoll_streams_ended_total{{why="{why}"}} {count}' for why, count in sorted(self.ended.items())]
        for name in ("packets", "frames", "moments", "events", "symbols"):
            lines += _head(f"stream_{name}_total", f"{name.capitalize()} of streams.")
            lines.append(f"plimsoll_stream_{name}_total {getattr(self, name)}")
        lines += _head("stream_faults_total", "What happened to packets and readers, by kind.")
        lines += [f'plimsoll_stream_faults_total{{kind="{kind}"}} {count}' for kind, count in self.faults.items()]
        lines += _head("stream_step_seconds", "From a packet's frames in hand to their answers.", "histogram")
        below = 0
        for bound, count in zip((*map(repr, BOUNDS), "+Inf"), self.times.buckets, strict=True):
            below += count
            lines.append(f'plimsoll_stream_step_seconds_bucket{{le="{bound}"}} {below}')
        lines += [
            f"plimsoll_stream_step_seconds_sum {self.times.seconds!r}",
            f"plimsoll_stream_step_seconds_count {below}",
        ]
        return "\n".join(lines) + "\n"


_SUMS = ("open", "packets", "frames", "moments", "events", "symbols")


def _head(name: str, says: str, kind: str = "counter") -> list[str]:
    return [f"# HELP plimsoll_{name} {says}", f"# TYPE plimsoll_{name} {kind}"]
