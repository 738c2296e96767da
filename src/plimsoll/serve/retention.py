"""What a policy says is kept so long is kept no longer: once a day, and when a server starts, beside its answers."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from plimsoll.errors import UserError
from plimsoll.policy.queue import Queue
from plimsoll.policy.redaction import Rest, redact, redact_queue

DAY = 86_400.0
_PAUSE = 0.02  # seconds between a few hundred lines, in which nothing is taken from those who answer
_log = logging.getLogger("plimsoll.serve")
Keep = Callable[[], float | None]


class _Ended(Exception):
    """The server ends: what is left is done when it starts again."""


def forget(records: Path | None, queue: Queue | None, older_than: float, rest: Rest = lambda: None) -> int:
    """Takes out what is personal of decisions from before a moment, from records and queue; how many values went."""
    gone = redact(records, older_than, rest=rest) if records is not None else 0
    return gone + (redact_queue(queue, older_than, rest=rest) if queue is not None else 0)


@contextmanager
def forgetting(
    records: Path | None, queue: Queue | None, keep: Keep, every: float = DAY, clock: Callable[[], float] = time.time
) -> Iterator[None]:
    """Does so now and once a day, for as long as it lasts. ``keep`` gives the seconds that the policy of the moment says,
    None where it says nothing. What goes wrong is said in the log, and tried again the next day."""
    stop = threading.Event()

    def rest() -> None:
        if stop.wait(_PAUSE):
            raise _Ended

    def run() -> None:
        while True:
            try:
                if (seconds := keep()) is not None:
                    gone = forget(records, queue, clock() - seconds, rest)
                    _log.info("%d personal values are older than they are kept, and are gone.", gone)
            except _Ended:
                return
            except UserError as fault:
                _log.warning("What is older than it is kept could not be taken out: %s", fault)
            except Exception:
                _log.exception("What is older than it is kept could not be taken out.")
            if stop.wait(every):
                return

    thread = threading.Thread(target=run, name="retention", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
