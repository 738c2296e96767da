"""What a served model costs, measured in a fresh process by the code that serves it.

``python -m plimsoll.serve.probe BUNDLE REQUESTS.jsonl OUT.json [--count 2000] [--seconds 5]``
"""

from __future__ import annotations

import time

from plimsoll.serve import threads

threads.one()  # before numpy, as the server does

import argparse  # noqa: E402  # threads.one() comes first
import itertools  # noqa: E402
import math  # noqa: E402
import re  # noqa: E402
import sys  # noqa: E402
from collections.abc import Callable, Iterator, Sequence  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any, BinaryIO  # noqa: E402

import msgspec  # noqa: E402

from plimsoll.clock import started  # noqa: E402
from plimsoll.errors import UserError  # noqa: E402
from plimsoll.limits import LEAST  # noqa: E402
from plimsoll.serve import server as serving  # noqa: E402
from plimsoll.serve.answerer import Answerer  # noqa: E402

WINDOW = 200
QUIET = 1.05  # wall over CPU time; above it, something else had the processor
REPEATS = 5
WARM = 1_000
WARMING = 0.2  # share of the time that warming up may take


class Lines(Sequence[bytes]):
    """The lines of a file that are not blank, each read when it is asked for: requests may be long, and are no part of the
    memory that is measured."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._places = file, list[int]()
        place = 0
        for line in file:
            if line.strip():
                self._places.append(place)
            place += len(line)

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, place: Any) -> Any:
        self._file.seek(self._places[place])
        return self._file.readline().rstrip()


def memory() -> int:
    """Resident set of this process in bytes: what it holds where nobody else has the same libraries open.

    The share of them that falls to this process (PSS) is less beside a run, whose processes have them open too, than
    where the bundle will be served by itself.
    """
    try:
        found = re.search(r"^VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    except OSError:
        found = None
    if found:
        return int(found[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def upper_rank(count: int, share: float = 0.99, confidence: float = 0.95) -> int | None:
    """The smallest k for which the k-th of ``count`` sorted figures lies above the quantile with this confidence.

    P(Binomial(count, share) ≤ k - 1) ≥ confidence; None where there are too few (below 299 for a p99).

    >>> upper_rank(299), upper_rank(298), upper_rank(2000)
    (299, None, 1988)
    """
    above = 0.0  # P(Binomial ≥ k), summed from the top, where its terms are small
    best = None
    for k in range(count, 0, -1):
        logs = math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1)
        above += math.exp(logs + k * math.log(share) + (count - k) * math.log1p(-share))
        if 1.0 - above < confidence:
            return best
        best = k
    return best


def summary(latencies: Sequence[float]) -> dict[str, float | int | None]:
    """p50, p99 and the p99's upper bound at 95 %, in the unit given."""
    ordered = sorted(latencies)
    rank = upper_rank(len(ordered))
    return {
        "p50": ordered[(len(ordered) - 1) // 2],
        "p99": ordered[math.ceil(0.99 * len(ordered)) - 1],
        "p99_upper": None if rank is None else ordered[rank - 1],
        "count": len(ordered),
    }


def window(answer: Callable[[bytes], bytes], bodies: Sequence[bytes]) -> tuple[list[float], float, float]:
    """Microseconds of each request, then wall and CPU seconds of all of them."""
    clock = time.perf_counter_ns
    took = []
    wall, cpu = clock(), time.process_time_ns()
    for body in bodies:
        start = clock()
        answer(body)
        took.append(clock() - start)
    wall, cpu = clock() - wall, time.process_time_ns() - cpu
    return [part / 1e3 for part in took], wall / 1e9, cpu / 1e9


def measure(
    answer: Callable[[bytes], bytes],
    bodies: Iterator[bytes],
    count: int,
    between: Callable[[], None] = lambda: None,
    until: float = math.inf,
) -> dict[str, Any]:
    """Windows of requests, with something done before each; one that was disturbed is measured again, and said so.

    From ``until`` on (by ``time.perf_counter``) none is measured again, and as many requests do as a verdict needs: on a
    machine that is never quiet a disturbed figure is worth more than none.
    """
    latencies: list[float] = []
    noisy = repeated = 0
    cpu_total = 0.0
    while len(latencies) < (count if time.perf_counter() < until else min(count, LEAST)):
        between()
        batch = list(itertools.islice(bodies, min(WINDOW, count - len(latencies))))
        for again in range(REPEATS + 1):
            took, wall, cpu = window(answer, batch)
            repeated += again > 0
            quiet = wall <= QUIET * cpu
            if quiet or time.perf_counter() >= until:
                break
        noisy += not quiet
        latencies += took
        cpu_total += cpu
    return {
        "latencies_us": summary(latencies),
        "noisy_windows": noisy,
        "repeated": repeated,
        "cpu_seconds_per_request": cpu_total / len(latencies),
    }


def asked(served: Answerer, bodies: Sequence[bytes]) -> tuple[Callable[[bytes], bytes], Iterator[bytes]]:
    """Who answers, and what is asked, over and over. Of a bundle that decodes, a request is the next packet of a stream,
    which goes the way from a packet's bytes to a message's bytes that every stream goes.
    """
    if served.bundle.job.decode is None:
        return served.answer, itertools.chain.from_iterable(itertools.repeat(bodies))  # a cycle would keep them all
    from plimsoll.serve.timed_stream import line, packets  # other bundles are served without what streams need

    return line(served, bodies[0]), packets(served, bodies)


def _warm(answer: Callable[[bytes], bytes], bodies: Iterator[bytes], until: float) -> None:
    """A thousand answers before any counts, or as many as a share of the time has room for where each takes long."""
    begun = time.perf_counter()
    for body in itertools.islice(bodies, WARM):
        answer(body)
        if time.perf_counter() - begun > WARMING * (until - begun):
            return


def probe(bundle: str, bodies: Sequence[bytes], count: int, until: float = math.inf) -> dict[str, Any]:
    """Every figure. The first answer ends the cold start, so the server is built before it."""
    app, served = serving.ready(bundle)
    serving.server(app)
    answer, cycle = asked(served, bodies)
    answer(next(cycle))
    cold = time.time() - started()
    _warm(answer, cycle, until)
    held = memory()
    from plimsoll.pace import Pacer  # no part of what is served, whose memory has been taken

    pacer = Pacer()
    found = measure(answer, cycle, count, pacer.look, until)
    return {"cold_start": cold, "memory": held, "pace": pacer.pace, **found}


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="plimsoll.serve.probe")
    parser.add_argument("bundle")
    parser.add_argument("requests", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--seconds", type=float, default=math.inf, help="from the start of the process, to do it well")
    given = parser.parse_args(words)
    until = time.perf_counter() + given.seconds - (time.time() - started())
    try:
        with given.requests.open("rb") as file:
            bodies = Lines(file)
            if not bodies or given.count < 1:
                raise UserError(f"{given.requests}: needs at least one request, one JSON object a line.")
            figures = probe(given.bundle, bodies, given.count, until)
    except UserError as fault:
        print(fault, file=sys.stderr)
        return 2
    given.out.write_bytes(msgspec.json.encode(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
