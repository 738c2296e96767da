"""Which recordings are sent as a stream, and their packets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from plimsoll.bundle import Bundle
from plimsoll.errors import DataError, JobError, nearest
from plimsoll.planted import Due, Faults, taken
from plimsoll.serve.packets import NUMBERS, packed
from plimsoll.streaming import layout_of

Places = NDArray[np.intp]


def chosen(
    bundle: Bundle, rate: float, source: str, row: int | None, person: str | None, session: str | None
) -> tuple[NDArray[Any], str | None]:
    """The samples, ``rate`` a second, of a row of a table (from 1), or of all that one person did in one session, in the
    table's order, or of the first row; and who wore the sensor, by the table where it is not said.

    Raises DataError and JobError.
    """
    from plimsoll import recordings

    sensor, decode = bundle.job.signals, bundle.job.decode
    if sensor is None or decode is None:
        raise JobError("This bundle answers rows, not streams. Ask it with plimsoll predict or serve.")
    # As the sensor gave them: the stream makes them ready itself.
    held = recordings.read(source, replace(sensor, low=0.0, high=0.0, notch=0.0, resample=rate), decode)
    due, found = len(layout_of(bundle.schema).channels), len(held.layout.channels)
    if found != due:
        raise DataError(f"{source}: has {found} channels, and the bundle hears {due}.")
    named = {"--person": (decode.person, person), "--session": (decode.session, session)}
    places = _places(held.frame, row, named)
    samples = np.concatenate([held.samples[held.begins[k] : held.ends[k]] for k in places])
    return samples, person if person is not None else _wearer(held.frame, places, decode.person)


def _places(frame: Any, row: int | None, named: dict[str, tuple[str, str | None]]) -> Places:
    places = np.arange(frame.height)
    if row is not None:
        if not 1 <= row <= len(places):
            raise DataError(f"--row {row}: the table has rows 1 to {len(places)}.")
        return places[row - 1 : row]
    for flag, (column, value) in named.items():
        places = _with(frame, places, flag, column, value)
    return places if any(value is not None for _, value in named.values()) else places[:1]


def _with(frame: Any, places: Places, flag: str, column: str, value: str | None) -> Places:
    """Of the rows, those whose column holds the value, where one is named."""
    if value is None or (flag == "--person" and column not in frame.columns):
        return places
    if column not in frame.columns:
        raise DataError(f"{flag}: the job has no such column. Name a recording with --row.")
    cells = [str(cell) for cell in frame[column].to_list()]
    if value not in cells:
        raise DataError(f'{flag} "{value}" is not in {column}. {nearest(value, set(cells))}')
    found = places[[cells[k] == value for k in places]]
    if not len(found):
        raise DataError(f'{flag} "{value}" did nothing in what else is named.')
    return found


def _wearer(frame: Any, places: Places, column: str) -> str | None:
    """Who wore the sensor, where the table says so and it was one person."""
    found = {str(frame[column][int(k)]) for k in places} if column in frame.columns else set()
    return found.pop() if len(found) == 1 else None


@dataclass
class Replay:
    """Packets that are due, and when each moment's last sample was taken."""

    samples: NDArray[Any]
    due: Sequence[Due]
    speed: float
    faults: Faults
    seconds: float = 0.0  # of signal that were sent

    def packets(self) -> Iterator[tuple[Due, bytes, NDArray[Any]]]:
        for each in self.due:
            frames = self.samples[each.begin : each.end]
            yield each, packed(each.seq % NUMBERS, each.sent, frames), frames
            self.seconds = max(self.seconds, each.sent)

    def delays(self, message: dict[str, Any], when: float) -> dict[float, float]:
        """How long after its last sample was taken each moment, event and symbol was told; ``when`` is from the start."""
        told = [each for kind in ("moments", "events", "symbols") for each in message.get(kind, ())]
        return {each["at"]: when - taken(each["at"], self.speed, self.faults) for each in told}
