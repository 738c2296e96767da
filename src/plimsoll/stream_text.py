"""A stream as lines for a terminal: the signal, the class, the events with their delays, and what happened on the way."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import units
from plimsoll.planted import quantile
from plimsoll.printed import printable

BARS = " ▁▂▃▄▅▆▇█"
_CHANNELS = 16  # that are shown
_EVENTS = 8
_SYMBOLS = 40
_KEPT = 200  # levels of a channel that are kept to be drawn


@dataclass
class Heard:
    """What came of a stream so far. Delays are in seconds, from when a sample was taken to when it was told of."""

    channels: Sequence[str]
    levels: deque[NDArray[np.float64]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    moment: Mapping[str, Any] | None = None
    events: list[tuple[Mapping[str, Any], float]] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)  # of moments
    symbols: list[tuple[Mapping[str, Any], float]] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    clocks: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    moments: int = 0

    def hear(self, chunk: NDArray[Any]) -> None:
        """Takes the level of each channel: the root mean square of its frames."""
        self.levels.append(np.sqrt((chunk.astype(np.float64) ** 2).mean(axis=0)))

    def tell(self, message: Mapping[str, Any], delays: Mapping[float, float]) -> None:
        """Takes a message; ``delays`` are those of its moments and events, by when they are."""
        for moment in message.get("moments", ()):
            self.moment, self.moments = moment, self.moments + 1
            self.delays.append(delays[moment["at"]])
        self.events += [(event, delays[event["at"]]) for event in message.get("events", ())]
        self.symbols += [(symbol, delays[symbol["at"]]) for symbol in message.get("symbols", ())]
        self.faults |= message.get("faults", {})
        self.clocks |= message.get("clocks", {})
        if "warning" in message:
            self.notes.append(str(message["warning"]))
        if "restarted" in message:
            again = message["restarted"]
            self.notes.append(f"{again['lost']:,} frames were lost before {again['at']:.2f} s: begun anew.")


def sparkline(values: Sequence[float], top: float) -> str:
    """
    >>> sparkline([0.0, 0.5, 1.0, 2.0], 1.0)
    ' ▄██'
    """
    last = len(BARS) - 1
    return "".join(BARS[min(last, int(last * value / top))] if top > 0 else BARS[0] for value in values)


def screen(heard: Heard, seconds: float, width: int) -> list[str]:
    """All that is shown at one time; a line is never wider than the terminal."""
    room = max(8, width - 12)
    drawn = np.array(list(heard.levels)[-room:]) if heard.levels else np.zeros((0, len(heard.channels)))
    top = float(drawn.max()) if drawn.size else 1.0
    lines = [f"{seconds:8.1f} s  {_class(heard.moment)}"]
    for place, name in enumerate(heard.channels[:_CHANNELS]):
        lines.append(f"{name[:8]:>8}  {sparkline(drawn[:, place].tolist(), top)}")
    if (rest := len(heard.channels) - _CHANNELS) > 0:
        lines.append(f"          and {rest} more channels")
    lines += [event(*each) for each in heard.events[-_EVENTS:]]
    if heard.symbols:
        lines.append("   spelt  " + " ".join(str(each["label"]) for each, _ in heard.symbols[-_SYMBOLS:])[-room:])
    lines += [f"  ! {note}" for note in heard.notes[-2:]]
    lines.append(counters(heard))
    return [printable(line)[:width] for line in lines]


def _class(moment: Mapping[str, Any] | None) -> str:
    if moment is None:
        return "waiting for a full window"
    share = max(moment["probabilities"].values())
    return f"{moment['prediction']!s:<12} {100 * share:3.0f} %  {sparkline([share], 1.0)}"


def event(found: Mapping[str, Any], delay: float) -> str:
    """
    >>> event({"at": 2.05, "label": "fist", "probability": 0.97}, 0.0031)
    '    2.05 s  fist          97 %  decided 3.1 ms after its last sample'
    """
    told = f"{found['at']:8.2f} s  {found['label']!s:<12} {100 * found['probability']:3.0f} %"
    return f"{told}  decided {units.show(delay, units.TIME)} after its last sample"


def symbol(found: Mapping[str, Any], delay: float) -> str:
    """
    >>> symbol({"at": 2.05, "label": "fist"}, 0.3)
    '    2.05 s  fist          spelt, settled 300 ms after its first moment'
    """
    return f"{found['at']:8.2f} s  {found['label']!s:<12}  spelt, settled {units.show(delay, units.TIME)} after its first moment"


def change(moment: Mapping[str, Any], delay: float) -> str:
    """A class that another follows, where no rule decides on events."""
    return event(
        {"at": moment["at"], "label": moment["prediction"], "probability": max(moment["probabilities"].values())}, delay
    )


def counters(heard: Heard) -> str:
    told = [f"{heard.moments:,} moments, {len(heard.events):,} events{_spelt(len(heard.symbols))}"]
    told += [f"{name} {count:,}" for name, count in heard.faults.items() if count]
    return " · ".join(told)


def _spelt(symbols: int) -> str:
    return f", {symbols:,} symbols" if symbols else ""


def summary(heard: Heard, seconds: float, cpu: float | None) -> dict[str, Any]:
    """What is said at the end; times in seconds, ``cpu`` as a share of one core."""
    told: dict[str, Any] = {"seconds": round(seconds, 3), "moments": heard.moments, "events": len(heard.events)}
    told |= {"symbols": len(heard.symbols)} if heard.symbols else {}
    later = {name: [delay for _, delay in each] for name, each in (("event", heard.events), ("symbol", heard.symbols))}
    for name, delays in (("delay", heard.delays), *((f"{name}_delay", each) for name, each in later.items())):
        if delays:
            told[name] = {"median": quantile(delays, 0.5), "p99": quantile(delays, 0.99)}
    if heard.delays:
        told["jitter"] = told["delay"]["p99"] - told["delay"]["median"]
    told["cpu"] = None if cpu is None or seconds <= 0 else cpu / seconds
    return {**told, "faults": {name: count for name, count in heard.faults.items() if count}, "clocks": heard.clocks}


_DELAYS = {
    "delay": "the last sample of a moment to its answer",
    "event_delay": "the last sample of an event to its answer",
    "symbol_delay": "the first moment of a symbol to its being settled",
}


def closing(found: Mapping[str, Any]) -> list[str]:
    """The summary in words."""
    lines = [
        f"{found['seconds']:.1f} s: {found['moments']:,} moments, {found['events']:,} events{_spelt(found.get('symbols', 0))}."
    ]
    for name, words in _DELAYS.items():
        if name in found:
            median, p99 = (units.show(found[name][part], units.TIME) for part in ("median", "p99"))
            lines.append(f"From {words}: {median} median, {p99} p99.")
    if "jitter" in found:
        lines.append(f"Jitter (p99 less the median): {units.show(found['jitter'], units.TIME)}.")
    if found["cpu"] is not None:
        lines.append(f"Processor: {100 * found['cpu']:.2g} % of one core.")
    if found["faults"]:
        lines.append("Counted: " + ", ".join(f"{name} {count:,}" for name, count in found["faults"].items()) + ".")
    return lines
