"""From the last sample of a moment to its answer, on streams at their true rate: in process and over a WebSocket.

    python benchmarks/stream.py [--seconds 60] [--recipe covariance_lda] [--only wrist,fast]

Two jobs: ``wrist``, 8 channels at 200 Hz with windows of 260 ms, and ``fast``, 16 channels at 2 kHz with windows of 250 ms;
an answer every 50 ms each, from noise whose strongest channels say the class. The recipe is fitted to one minute of it, with
a rule that decides on events. Then a stream comes in packets of 10 ms, SECONDS long, as ``plimsoll stream`` sends it:

- in process: ``load(…).start()`` behind the same handling of packets as in the server;
- WebSocket: ``plimsoll serve`` in a process of its own, the sender in this one, both on this machine;
- each also with faults planted: 1 % of packets lost, 2 % out of order, 100 ms at once, a sensor that is 0.5 % faster than
  its clock says. Every moment must come once and in turn, none but those next to a loss may be missing, or the run ends.

Delay: from when the last sample of a moment is taken until its answer is in hand, waiting for the packet's end and, with a rush,
for the rush included. Jitter is its p99 less its median. CPU is that of whoever decodes, as a share of one core: of the
thread in process, of the whole server over the WebSocket. ``step`` is one stride from packet to message, unpaced, beside
the model alone on the same windows.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before numpy, as a server does

import numpy as np  # noqa: E402
from peers_http.process import free_port, ready, start  # noqa: E402

from plimsoll import bundle, catalogue, machine  # noqa: E402
from plimsoll.bundle import Bundle  # noqa: E402
from plimsoll.calibration import Calibration  # noqa: E402
from plimsoll.clock import Clock  # noqa: E402
from plimsoll.events import Rule  # noqa: E402
from plimsoll.job import Decode, Job, Sensor, Task  # noqa: E402
from plimsoll.planted import Faults, plan, quantile  # noqa: E402
from plimsoll.recipe import Fold  # noqa: E402
from plimsoll.replay import Replay  # noqa: E402
from plimsoll.rows import Rows, Signals  # noqa: E402
from plimsoll.schema import Column, Kind, Layout, Schema  # noqa: E402
from plimsoll.serve.answerer import Answerer  # noqa: E402
from plimsoll.serve.line import Line  # noqa: E402
from plimsoll.serve.packets import Hello, packed  # noqa: E402
from plimsoll.serve.streams import Bounds  # noqa: E402
from plimsoll.stream_command import _run, _View  # noqa: E402
from plimsoll.stream_ends import End, Here, There  # noqa: E402
from plimsoll.stream_text import Heard, summary  # noqa: E402

RESULTS = Path(__file__).parent / "results"
PLANTED = Faults(drop=0.01, reorder=0.02, burst=0.1, drift=0.005)
CLASSES = ("rest", "fist", "open", "point")
_HOLD = 2.0  # seconds of a class before the next
_WARM = 200


@dataclass(frozen=True)
class Sensing:
    """One job: a sensor, and the window that is looked through."""

    name: str
    rate: float
    channels: int
    window: float

    @property
    def layout(self) -> Layout:
        return Layout(self.rate, tuple(f"emg{k}" for k in range(self.channels)))

    def samples(self, seconds: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """Noise of which other channels are strong in each class; shape (frames, channels), and the class at each."""
        frames = int(seconds * self.rate)
        labels = np.array([0, 1, 0, 2, 0, 3])[np.arange(frames) // int(_HOLD * self.rate) % 6]
        gains = np.ones((len(CLASSES), self.channels)) * 4.0
        for place in range(1, len(CLASSES)):
            gains[place, place :: len(CLASSES)] = 25.0
        noise = np.random.default_rng(seed).normal(size=(frames, self.channels))
        return (noise * gains[labels]).clip(-127, 127).astype(np.int8), labels


JOBS = (Sensing("wrist", 200.0, 8, 0.26), Sensing("fast", 2_000.0, 16, 0.25))


def made(job: Sensing, recipe: str) -> Bundle:
    """A bundle of the recipe's default, fitted to one minute."""
    decode = Decode(window=job.window, stride=0.05, within=True, rest="rest")
    stated = Job("label", task=Task.MULTICLASS, decode=decode, signals=Sensor(rate=job.rate))
    schema = Schema((Column("emg", Kind.SIGNAL, layout=job.layout),), "label", CLASSES)
    samples, labels = job.samples(60.0, 0)
    ends = np.arange(job.layout.frames(job.window), len(samples) + 1, job.layout.frames(0.05))
    rows = Rows(len(ends), {"emg": Signals(samples, np.zeros_like(ends), ends)})
    found = catalogue.find(recipe)
    model = found.fit(stated, schema, Fold(rows, labels[ends - 1]), found.space.default, Clock(120.0))
    none = Calibration.none(len(CLASSES))
    return Bundle(
        stated,
        schema,
        recipe,
        dict(found.space.default),
        none,
        model.members(),
        {"created": machine.card()["processor"]},
        Rule(threshold=0.8, votes=3, hold=0.5),
    )


def steps(answerer: Answerer, job: Sensing, count: int = 1_000) -> dict[str, float]:
    """Medians in microseconds: one stride from a packet's bytes to a message's, and the model alone on a full window."""
    samples, _ = job.samples(60.0, 1)
    stride, reach = job.layout.frames(0.05), job.layout.frames(job.window)
    line = Line(answerer.session(), Hello(), Bounds(rush=1e12))
    taken, alone = [], []
    for k in range(count + _WARM):
        begin = k * stride % (len(samples) - stride)
        packet = packed(k, (k + 1) * 0.05, samples[begin : begin + stride])
        begun = time.perf_counter_ns()
        for _ in line.hear(packet, k * 0.05):
            pass
        line.outbox.take()
        taken.append((time.perf_counter_ns() - begun) / 1e3)
        window = np.asarray(samples[begin : begin + reach], dtype=np.float32)
        begun = time.perf_counter_ns()
        answerer.model.answer((window,))
        alone.append((time.perf_counter_ns() - begun) / 1e3)
    return {
        "step": quantile(taken[_WARM:], 0.5),
        "step_p99": quantile(taken[_WARM:], 0.99),
        "model": quantile(alone[_WARM:], 0.5),
    }


class _Quiet(_View):
    """Keeps what is told, to look at it afterwards."""

    def __init__(self, channels: Sequence[str]) -> None:
        super().__init__(Heard(channels))
        self.at: list[float] = []

    def tell(self, message: dict[str, Any], delays: dict[float, float]) -> None:
        self.at += [moment["at"] for moment in message.get("moments", ())]
        self.heard.tell(message, delays)


def streamed(job: Sensing, seconds: float, end: End, faults: Faults) -> dict[str, Any]:
    """One stream, and what came of it."""
    samples, _ = job.samples(seconds, 2)
    replay = Replay(samples, plan(len(samples), job.rate, job.layout.frames(0.01), faults=faults), 1.0, faults)
    view = _Quiet(job.layout.channels)
    if _run(replay, end, view):
        raise KeyboardInterrupt
    found = summary(view.heard, seconds, end.cpu)
    _whole(view.at, job, len(samples), found)
    return found


def _whole(at: Sequence[float], job: Sensing, frames: int, found: dict[str, Any]) -> None:
    """Ends the run where a moment came twice, out of turn, or not at all without a loss to blame."""
    first, stride = job.layout.frames(job.window), job.layout.frames(0.05)
    due = [end / job.rate for end in range(first, frames + 1, stride)]
    if list(at) != sorted(set(at)) or not set(at) <= set(due):
        raise SystemExit(f"{job.name}: moments came twice or out of turn.")
    again = found["faults"].get("restarted", 0)
    if len(due) - len(at) > again * (first / stride + 3) + 1:
        raise SystemExit(f"{job.name}: {len(due) - len(at)} of {len(due)} moments did not come.")


def over_websocket(job: Sensing, folder: Path, seconds: float, faults: Faults) -> dict[str, Any]:
    """The same to a server of its own, whose processor time is taken before and after."""
    port, log = free_port(), folder.parent / "serve.log"
    command = [sys.executable, "-m", "plimsoll.serve", str(folder), str(port)]
    core = sorted(os.sched_getaffinity(0))[0]
    server = ready(start(command, dict(os.environ), core, log), port, log, "/predict", b"{}")
    try:
        end = There(f"ws://127.0.0.1:{port}", None, job.rate, None)
        before = server.cpu()
        found = streamed(job, seconds, end, faults)
        return {**found, "cpu": (server.cpu() - before) / seconds}
    finally:
        server.stop()


def measured(job: Sensing, recipe: str, seconds: float, scratch: Path) -> list[dict[str, Any]]:
    folder = scratch / job.name
    bundle.write(folder, made(job, recipe))
    answerer = Answerer(bundle.read(folder))
    costs = steps(answerer, job)
    found = []
    for planted, faults in (("", Faults()), ("planted", PLANTED)):
        for where in ("in process", "WebSocket"):
            busy = machine.others_busy(0.5)
            if where == "WebSocket":
                one = over_websocket(job, folder, seconds, faults)
            else:
                one = streamed(job, seconds, Here(answerer, None), faults)
            found.append(
                {
                    "job": job.name,
                    "where": where,
                    "faults_planted": bool(planted),
                    "busy": busy,
                    **one,
                    "step_us": costs,
                }
            )
            print(row(found[-1]), flush=True)
    return found


def row(one: dict[str, Any]) -> str:
    delay, counted = one["delay"], one["faults"]
    told = ", ".join(f"{name} {count}" for name, count in counted.items()) or "nothing"
    figures = [f"{1e3 * each:.2f}" for each in (delay["median"], delay["p99"], one["jitter"])]
    steps_ = f"{one['step_us']['step']:.0f} / {one['step_us']['model']:.0f}"
    where = one["where"] + (", planted" if one["faults_planted"] else "")
    cells = [one["job"], where, *figures, f"{100 * one['cpu']:.2f} %", steps_, str(one["events"]), told]
    return "| " + " | ".join(cells) + " |"


def table(found: dict[str, Any]) -> str:
    head = [
        "job",
        "where",
        "delay median, ms",
        "p99",
        "jitter",
        "CPU of a core",
        "step / model, µs",
        "events",
        "counted",
    ]
    machine_ = f"{found['cores']} cores, {found['processor']}, Python {found['python']}, {found['when']}"
    lines = [
        "# Streams",
        "",
        f"{machine_}; `python benchmarks/stream.py --seconds {found['seconds']:g}`, {found['recipe']}.",
        "",
    ]
    lines += ["| " + " | ".join(head) + " |", "|---|---" + "|---:" * (len(head) - 3) + "|---|"]
    lines += [row(one) for one in found["streams"]]
    doc = (__doc__ or "").split("\n\n")
    return "\n".join([*lines, "", *(part.strip() + "\n" for part in doc[2:])])


def main() -> None:
    words = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    words.add_argument("--seconds", type=float, default=60.0)
    words.add_argument("--recipe", default="covariance_lda")
    words.add_argument("--only", default="wrist,fast")
    words.add_argument("--out", type=Path, default=RESULTS)
    given = words.parse_args()
    jobs = [job for job in JOBS if job.name in given.only.split(",")]
    with tempfile.TemporaryDirectory() as scratch:
        streams = [one for job in jobs for one in measured(job, given.recipe, given.seconds, Path(scratch))]
    card = {"processor": machine.card()["processor"], "cores": len(os.sched_getaffinity(0))}
    when = {"python": sys.version.split()[0], "when": time.strftime("%Y-%m-%d")}
    found = {**card, **when, "seconds": given.seconds, "recipe": given.recipe, "streams": streams}
    given.out.mkdir(exist_ok=True)
    (given.out / "stream.json").write_text(json.dumps(found, indent=1) + "\n")
    (given.out / "stream.md").write_text(table(found))


if __name__ == "__main__":
    main()
