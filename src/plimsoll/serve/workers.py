"""Several processes behind one address: begun, begun again where one dies, and stopped together."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from plimsoll.errors import UserError
from plimsoll.serve.journal import tell

_AGAIN = 0.1  # seconds before a worker that died is begun again; doubled while it keeps dying
_LONGEST = 10.0
_LOOK = 0.02  # seconds between two looks at the first worker
_FAULT = "fault"  # the file in which a worker says why it cannot begin
_YOUNG = 5.0  # seconds after which a worker counts as one that runs

Work = Callable[[Path, int], int]  # (the folder that workers share, the worker's number) to its exit code


class Workers:
    """The parent of the workers. It loads nothing, and answers nothing."""

    def __init__(self, many: int, work: Work) -> None:
        self._many = many
        self._work = work
        self._folder = Path(tempfile.mkdtemp(prefix="plimsoll-"))
        self._running: dict[int, tuple[int, float]] = {}  # process: its worker's number, and when it began
        self._waits = dict.fromkeys(range(1, many + 1), _AGAIN)
        self._stopping = False

    def run(self) -> None:
        """Until told to stop. Raises UserError where the first workers do not come up."""
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, self._stop)
        try:
            self._begin(1)  # alone, so that what is wrong is said once
            while self._running and not self._up():
                self._look()
            for worker in range(2, self._many + 1):
                if not self._stopping:
                    self._begin(worker)
            while self._running:
                self._ended(*os.wait())
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _begin(self, worker: int) -> None:
        process = os.fork()
        if process:
            self._running[process] = worker, time.monotonic()
            return
        code = 1
        try:
            for sign in (signal.SIGTERM, signal.SIGINT):
                signal.signal(sign, signal.SIG_DFL)
            code = self._work(self._folder, worker)
        except UserError as fault:
            (self._folder / _FAULT).write_text(str(fault), encoding="utf-8")
            code = 2
        finally:
            os._exit(code)

    def _look(self) -> None:
        """Whether the first worker has ended, before it has told of itself."""
        process, status = os.waitpid(-1, os.WNOHANG)
        if process:
            self._ended(process, status)
        else:
            time.sleep(_LOOK)

    def _ended(self, process: int, status: int) -> None:
        worker, begun = self._running.pop(process)
        if self._stopping:
            return
        lived, code = time.monotonic() - begun, os.waitstatus_to_exitcode(status)
        why = self._said() if code == 2 else ""
        if why and not self._up():
            raise UserError(why)
        said = f"Worker {worker} ended with {code}, and is begun again. {why}".rstrip()
        tell("ended", said, logging.ERROR, worker=worker, code=code)
        self._waits[worker] = _AGAIN if lived > _YOUNG else min(2 * self._waits[worker], _LONGEST)
        time.sleep(self._waits[worker])
        if not self._stopping:
            self._begin(worker)

    def _said(self) -> str:
        """Why a worker cannot begin."""
        place = self._folder / _FAULT
        return place.read_text(encoding="utf-8") if place.exists() else ""

    def _up(self) -> bool:
        """Whether any worker has ever told of itself."""
        return any(self._folder.glob("worker-*.json"))

    def _stop(self, *_: object) -> None:
        self._stopping = True
        for process in self._running:
            os.kill(process, signal.SIGTERM)
