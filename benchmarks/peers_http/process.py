"""A server under test: started on one core, waited for, weighed and stopped."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from peers_http.peers import CannotRun, last_words

PATIENCE = 120.0  # seconds to the first answer


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def post(port: int, path: str, body: bytes) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("POST", path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


@dataclass(frozen=True)
class Process:
    """A server that answers on a port."""

    popen: subprocess.Popen[bytes]
    port: int
    log: Path
    seconds: float  # from its start to its first answer

    def memory(self) -> int:
        """Proportional set size of all its processes, in bytes."""
        return sum(_pss(place) for place in _family(self.popen.pid))

    def cpu(self) -> float:
        """Seconds of processor time that all its processes have used."""
        return sum(_ticks(place) for place in _family(self.popen.pid)) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        """Asked to end, then made to: with every process that it started."""
        members = _family(self.popen.pid)
        self.popen.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(10)
        for place in members:
            with contextlib.suppress(ProcessLookupError):
                os.kill(place, signal.SIGKILL)
        self.popen.wait()


def _stat(place: int) -> list[str]:
    """What the kernel says of a process, from its state on; nothing where it has gone."""
    try:
        return Path(f"/proc/{place}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _family(eldest: int) -> list[int]:
    """The process, its children, and theirs: some servers put them in sessions of their own."""
    places = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    parents = {place: int(found[1]) for place in places if (found := _stat(place))}
    family = [eldest]
    for member in family:  # which grows as its children are found
        family += [place for place, parent in parents.items() if parent == member]
    return family


def _pss(place: int) -> int:
    try:
        lines = Path(f"/proc/{place}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def _ticks(place: int) -> int:
    found = _stat(place)
    return int(found[11]) + int(found[12]) if found else 0


def start(command: Sequence[str], env: Mapping[str, str], core: int, log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(
            command,
            env=env,
            cwd=log.parent,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: os.sched_setaffinity(0, {core}),
        )


def ready(popen: subprocess.Popen[bytes], port: int, log: Path, path: str, body: bytes) -> Process:
    """The process once it has answered. Raises CannotRun where it ends, refuses or takes too long."""
    begun, found = time.monotonic(), Process(popen, port, log, 0.0)
    while time.monotonic() - begun < PATIENCE:
        try:
            status, answer = post(port, path, body)
        except (OSError, HTTPException):
            if popen.poll() is not None:
                raise CannotRun(f"it ended: {last_words(log.read_text(errors='replace'))}") from None
            time.sleep(0.02)
            continue
        if status == 200:
            return Process(popen, port, log, time.monotonic() - begun)
        if status < 500:  # above, it may still be loading
            found.stop()
            raise CannotRun(f"it answered {status}: {last_words(answer.decode(errors='replace'))}")
        time.sleep(0.02)
    found.stop()
    raise CannotRun(f"no answer in {PATIENCE:.0f} s: {last_words(log.read_text(errors='replace'))}")
