"""One trial, contained: fitted in a process that may crash, hang or be killed, while the run goes on."""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll import units
from plimsoll.archive import contents
from plimsoll.trial import Status
from plimsoll.workbench import DOING, peak_memory

_HEARD = 1.0  # seconds between two looks at how far it has come
_POLL = 0.02  # seconds between two looks at a trial's memory
# Products of matrices on one thread: the cores are for trials side by side, and a trial's time can then be foretold.
_ONE_EACH = {"OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Outcome:
    """How a fit ended: with its answers and members in ``folder``, or with a reason."""

    status: Status
    folder: Path
    why: str = ""
    wall: float = 0.0
    cpu: float = 0.0
    memory: int = 0
    settled: Mapping[str, Any] = field(default_factory=dict)
    cut: bool = False  # its clock ran out, and it gave what it had
    rate: float = 0.0  # seconds that a row takes to answer in a batch
    size: int = 0  # bytes of the model's members
    answer: float = 0.0  # seconds that one row takes to answer by itself, without its request
    curve: Sequence[tuple[float, float]] = ()  # (seconds, loss on unseen rows) as training went on
    paces: Mapping[str, float] = field(default_factory=dict)  # that the core had meanwhile, for "cpu" and for "answer"
    notes: Sequence[str] = ()  # what its model has to say of itself

    @property
    def done(self) -> bool:
        return self.status is Status.FITS

    def answers(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """(row numbers, answers) for the training rows that the models had not seen."""
        with np.load(self.folder / "answers.npz", allow_pickle=False) as file:
            return file["index"], file["answers"]

    def members(self) -> dict[str, bytes]:
        return {path.name: contents(path) for path in sorted((self.folder / "members").iterdir())}


class Workbench:
    """The process that forks trials; started when first needed, and started again if it dies."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()
        self._ready = False
        self.said: Callable[[str], None] | None = None  # hears how far a long trial has come

    def start(self) -> None:
        """Starts it without waiting, so that it gets ready while the data are read."""
        if self._process is not None and self._process.poll() is None:
            return
        self.stop()
        self._lines, self._ready = queue.Queue(), False
        self._process = subprocess.Popen(
            [sys.executable, "-m", "plimsoll.workbench"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, **_ONE_EACH},
            start_new_session=True,  # Ctrl-C is for the run to handle, not for each process
        )
        threading.Thread(target=_listen, args=(self._process, self._lines), daemon=True).start()

    def wait(self, seconds: float) -> None:
        """Until it is ready for a first trial, or the time is up, so that no trial pays for the imports of all."""
        self.start()
        if self._ready:
            return
        try:
            line = self._lines.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return
        self._ready = line == "ready"
        if not self._ready:
            self._lines.put(line)  # it ended: that is for the trial to find

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            for pipe in (self._process.stdin, self._process.stdout):
                if pipe:
                    pipe.close()
            self._process = None

    def run(self, spec: dict[str, Any], folder: Path, seconds: float, memory: float | None) -> Outcome:
        """Fits what ``spec`` says, in at most ``seconds`` and ``memory`` bytes."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        path = folder / "spec.json"
        path.write_text(json.dumps({**spec, "out": str(folder), "seconds": max(0.1, seconds * 0.9)}), encoding="utf-8")
        self.start()
        try:
            self._send(f"{path}\n")
        except BrokenPipeError:  # it died since it was last looked at
            self.stop()
            self.start()
            self._send(f"{path}\n")
        watch = _Watch(self._lines, seconds, memory, _Hearing(folder / DOING, spec["recipe"], self.said))
        try:
            why, status = watch.wait()
        except BaseException:
            watch.kill()
            self.stop()
            raise
        if status == "gone":
            watch.kill()
            self.stop()  # whatever it still says must not be taken for the next trial's word
        return _outcome(folder, why, status, watch.peak)

    def _send(self, line: str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line)
        self._process.stdin.flush()


def _listen(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert process.stdout is not None
    try:
        for line in process.stdout:
            lines.put(line.strip())
    except ValueError:
        pass  # closed while it was read: the workbench has been stopped
    lines.put("gone")


class _Hearing:
    """Passes on how far a trial says that it has come, each time that it says so anew."""

    def __init__(self, file: Path, recipe: str, said: Callable[[str], None] | None) -> None:
        self._file, self._recipe, self._said = file, recipe, said
        self._next, self._before = 0.0, ""

    def __call__(self) -> None:
        if self._said is None or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _HEARD
        doing = self._file.read_text(encoding="utf-8") if self._file.exists() else ""
        if doing and doing != self._before:
            self._before = doing
            self._said(f"{self._recipe}, {doing}")


class _Watch:
    """Looks after one child until it ends, and ends it when it has had its time or its memory."""

    def __init__(
        self, lines: queue.Queue[str], seconds: float, memory: float | None, heard: Callable[[], None]
    ) -> None:
        self._lines, self._heard = lines, heard
        self._seconds = seconds
        self._memory = memory
        self._pid = 0
        self.peak = 0

    def wait(self) -> tuple[str, str]:
        """(why it was killed, or nothing; the line that told its end)."""
        why, deadline = "", time.monotonic() + self._seconds
        while True:
            try:
                line = self._lines.get(timeout=_POLL)
            except queue.Empty:
                line = ""
            if line.startswith("pid "):
                self._pid = int(line[4:])
                if why:
                    self.kill()
            elif line.startswith("exit ") or line == "gone":
                return why, line
            self._heard()
            if not why and (why := self._fault(deadline)):
                self.kill()
            if time.monotonic() > deadline + 5.0:
                return why, "gone"

    def _fault(self, deadline: float) -> str:
        if time.monotonic() > deadline:
            return f"it had not ended after {units.show(self._seconds, units.TIME)}"
        held = peak_memory(self._pid, "VmRSS") if self._pid else 0
        self.peak = max(self.peak, held)
        if self._memory is not None and held > self._memory:
            return f"it held {units.show(held, units.BYTES)} of the {units.show(self._memory, units.BYTES)} allowed"
        return ""

    def kill(self) -> None:
        if self._pid:
            for target in (os.killpg, os.kill):
                try:
                    target(self._pid, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    continue


def _outcome(folder: Path, why: str, line: str, peak: int) -> Outcome:
    if why:
        return Outcome(Status.KILLED, folder, why, memory=peak)
    result = folder / "result.json"
    if result.exists():
        return Outcome(Status.FITS, folder, **json.loads(result.read_text()))
    fault = folder / "fault.txt"
    if fault.exists():
        return Outcome(Status.FAILED, folder, fault.read_text().strip(), memory=peak)
    number = int(line[5:]) if line.startswith("exit ") else 0
    if number and os.WIFSIGNALED(number):
        name = signal.Signals(os.WTERMSIG(number)).name
        status = Status.KILLED if name == "SIGKILL" else Status.FAILED
        return Outcome(status, folder, f"its process was ended by {name}", memory=peak)
    return Outcome(Status.FAILED, folder, "its process ended without a result", memory=peak)
