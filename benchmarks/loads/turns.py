"""What is done to a server under load: its versions are swapped, its workers killed, its memory looked at."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from loads.steady import Gone, Tally, open_to, own_port, read_answer, request

from plimsoll.serve.version import Origin

_PAGE = os.sysconf("SC_PAGE_SIZE")
_LISTENING = "0A"


async def change(tally: Tally, token: str, do: str, told: Mapping[str, str]) -> bool:
    """Asks for a change, and whether it was confirmed."""
    own = 0
    try:
        reader, writer = await open_to(tally.port)
        own = own_port(writer)
        writer.write(request(f"/admin/{do}", json.dumps(told).encode(), f"Authorization: Bearer {token}\r\n"))
        status, body = await read_answer(reader)
        writer.close()
    except (Gone, OSError, TimeoutError) as fault:
        tally.lost(own, f"{do} {type(fault).__name__}")
        return False
    if status != 200 and not tally.stopping:
        tally.failed(f"{do}: {status} {body[:200].decode(errors='replace')}")
    return status == 200


async def swaps(tally: Tally, token: str, origins: Mapping[str, Origin], pause: float) -> None:
    """Both versions in, then back and back again, over and over. After one that failed, from the beginning: going back
    leads to a known version only after two that are known."""
    turns = [("swap", "a"), ("swap", "b"), ("rollback", "a"), ("rollback", "b")]
    place = 0
    while not tally.stopping:
        do, name = turns[place % 4]
        told = {"bundle": str(origins[name].bundle), "policy": str(origins[name].policy)} if do == "swap" else {}
        tally.truth.begins(name)
        if await change(tally, token, do, told):
            tally.truth.confirmed()
            tally.counts[do] += 1
            place += 1
        else:
            place = 0
        await asyncio.sleep(pause)


@dataclass
class Kills:
    """The younger worker is killed now and then; the elder is let live, so that its memory can be watched."""

    parent: int
    every: float
    at: list[float] = field(default_factory=list)

    async def run(self, tally: Tally) -> None:
        while not tally.stopping:
            await asyncio.sleep(self.every)
            found = children(self.parent)
            if len(found) > 1 and not tally.stopping:
                self._kill(max(found, key=began), tally)

    def _kill(self, worker: int, tally: Tally) -> None:
        """Stopped first, so that those who are connected to it are known when it dies."""
        os.kill(worker, signal.SIGSTOP)
        tally.exposed |= callers_of(worker)
        self.at.append(time.time())
        os.kill(worker, signal.SIGKILL)
        tally.counts["killed a worker"] += 1


def stat(process: int) -> list[str]:
    """What the kernel says of a process, from its state on; nothing where it has gone."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def began(process: int) -> int:
    return int(found[19]) if (found := stat(process)) else 0


def children(parent: int) -> list[int]:
    places = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [place for place in places if (found := stat(place)) and int(found[1]) == parent]


def callers_of(process: int) -> set[int]:
    """The callers' ports of the connections that a process holds."""
    mine = set()
    for entry in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(OSError):
            mine.add(os.readlink(entry))
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(line[2].split(":")[1], 16) for line in lines if line[3] != _LISTENING and f"socket:[{line[9]}]" in mine}


@dataclass
class Watch:
    """The resident memory and the open files of a server's processes, once a second."""

    parent: int
    seen: list[tuple[float, dict[int, tuple[int, int]]]] = field(default_factory=list)

    async def run(self, tally: Tally) -> None:
        begun = time.monotonic()
        while not tally.stopping:
            processes = [self.parent, *children(self.parent)]
            looked = {place: found for place in processes if (found := _weight(place)) is not None}
            self.seen.append((time.monotonic() - begun, looked))
            await asyncio.sleep(1.0)


def _weight(process: int) -> tuple[int, int] | None:
    """(bytes, open files); None where it has gone."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        return pages * _PAGE, len(os.listdir(f"/proc/{process}/fd"))
    except OSError:
        return None
