"""The words of a job over signals: frequencies and times as people write them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from plimsoll import units
from plimsoll.errors import JobError, nearest
from plimsoll.job import Decode, Job, Sensor

_TIMES = ("window", "stride", "delay", "settle")
_RATES = ("rate", "resample", "low", "high", "notch", "heard")


def decode(words: Mapping[str, Any]) -> Decode:
    """Moments from words such as {"window": "260 ms", "rest": "0"}; a window that is named is the most a model looks at.

    >>> decode({"window": "260 ms", "rest": "0"}).within
    True
    """
    found = _read("moments", words, Decode().as_json(), dict.fromkeys(_TIMES, units.TIME))
    return Decode.from_json({"within": "window" in found, **found})


def sensor(words: Mapping[str, Any]) -> Sensor:
    """Where signals lie, from words such as {"file": "signals.npz:emg", "rate": "200 Hz", "band": "20-90 Hz"}.

    >>> sensor({"file": "signals.npz:emg", "band": "20-90 Hz"}).array
    'emg'
    """
    found = dict(words)
    if "band" in found:
        low, dash, high = str(found.pop("band")).partition("-")
        if not dash:
            raise JobError('--band says where the signal lies. Write both ends, such as "20-90Hz".')
        found["low"], found["high"] = low.removesuffix("Hz").strip(), high
    file, colon, array = str(found.get("file", "")).partition(":")
    if colon:
        found["file"], found["array"] = file, array
    return Sensor.from_json(_read("signals", found, Sensor().as_json(), dict.fromkeys(_RATES, units.RATE)))


def words(job: Job) -> list[str]:
    """The flags that state the job's moments and signals again; what nobody would have to state is left out.

    >>> words(Job("y", decode=decode({"window": "260 ms"}), signals=sensor({"rate": "2 kHz", "ring": True})))
    ['--window', '260ms', '--rate', '2kHz', '--ring']
    """
    asked, heard = job.decode, job.signals
    said: list[tuple[str, str]] = []
    if asked is not None:
        times = {"--stride": asked.stride, "--label-delay": asked.delay, "--settle": asked.settle}
        usual = {"--stride": Decode.stride}
        said += [("--window", _shown(asked.window, units.TIME))] if asked.within else []
        said += [(flag, _shown(time, units.TIME)) for flag, time in times.items() if time != usual.get(flag, 0.0)]
        said += [("--rest", asked.rest), ("--person", asked.person), ("--session", asked.session)]
    if heard is not None:
        rates = {"--rate": heard.rate, "--resample": heard.resample, "--notch": heard.notch}
        said += [("--signals", ":".join(part for part in (heard.file, heard.array) if part))]
        said += [(flag, _shown(rate, units.RATE)) for flag, rate in rates.items() if rate]
        said += [("--band", f"{heard.low:g}-{heard.high:g}Hz")] if heard.high else []
    found = [part for flag, value in said if value for part in (flag, value)]
    return [*found, "--ring"] if heard is not None and heard.ring else found


def _shown(value: float, dimension: str) -> str:
    return units.show(value, dimension).replace(" ", "")


def _read(
    what: str, words: Mapping[str, Any], known: Mapping[str, Any], dimensions: Mapping[str, str]
) -> dict[str, Any]:
    for name in words:
        if name not in known:
            raise JobError(f'{what}: there is no "{name}". {nearest(name, known)}')
    found = dict(words)
    for name, dimension in dimensions.items():
        if isinstance(found.get(name), str):
            try:
                found[name] = units.parse(found[name], dimension)
            except ValueError as fault:
                raise JobError(f"{what}.{name}: {fault}") from None
    return found
