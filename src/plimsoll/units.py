"""Between "25 ms" and 0.025: seconds, bytes, joules, grams and shares, written as people write them."""

from __future__ import annotations

import re

TIME, BYTES, ENERGY, MASS, SHARE, RATE = "time", "bytes", "energy", "mass", "share", "rate"

_FACTORS: dict[str, dict[str, float]] = {
    TIME: {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "sec": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0},
    BYTES: {"b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 2.0**10, "mib": 2.0**20, "gib": 2.0**30},
    ENERGY: {"j": 1.0, "kj": 1e3, "mj": 1e6, "wh": 3600.0, "kwh": 3.6e6},
    MASS: {"mg": 1e-3, "g": 1.0, "kg": 1e3, "t": 1e6},
    SHARE: {"": 1.0, "%": 0.01},
    RATE: {"": 1.0, "hz": 1.0, "khz": 1e3, "mhz": 1e6},
}
_EXAMPLE = {TIME: "25 ms", BYTES: "150 MB", ENERGY: "40 kJ", MASS: "5 g", SHARE: "0.9", RATE: "200 Hz"}
_NOUN = {TIME: "a time", BYTES: "a size", ENERGY: "an energy", MASS: "a mass", SHARE: "a number", RATE: "a frequency"}
_SHOWN: dict[str, list[tuple[float, str]]] = {
    TIME: [(3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")],
    BYTES: [(1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B")],
    ENERGY: [(1e6, "MJ"), (1e3, "kJ"), (1.0, "J")],
    MASS: [(1e3, "kg"), (1.0, "g"), (1e-3, "mg")],
    RATE: [(1e6, "MHz"), (1e3, "kHz"), (1.0, "Hz")],
}
_WORD = re.compile(r"\s*([-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([a-zA-Zµ%]*)\s*$")


def parse(text: str, dimension: str) -> float:
    """The number that a text such as "25 ms" stands for, in seconds, bytes, joules or grams.

    Raises ValueError with a sentence that says what to write.

    >>> parse("25 ms", TIME), parse("150 MB", BYTES), parse("1 %", SHARE)
    (0.025, 150000000.0, 0.01)
    """
    match = _WORD.match(text)
    factor = match and _FACTORS[dimension].get(match[2].lower())
    if match is None or factor is None:
        units = "".join(f" {unit}" for unit in _FACTORS[dimension] if unit)
        raise ValueError(
            f'"{text.strip()}" is not {_NOUN[dimension]}. Write a number and a unit, such as "{_EXAMPLE[dimension]}" (units:{units}).'
        )
    return float(match[1].replace("_", "")) * factor


def show(value: float, dimension: str) -> str:
    """A number as people write it, three significant digits.

    >>> show(0.0251, TIME), show(70_400_000, BYTES), show(90, TIME), show(0.9277, SHARE)
    ('25.1 ms', '70.4 MB', '1.5 min', '0.9277')
    """
    if dimension == SHARE:
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    for factor, unit in _SHOWN[dimension]:
        # Rounding first keeps "1000 ms" from appearing in place of "1 s".
        if abs(value) >= factor * 0.9995:
            return f"{float(f'{value / factor:.3g}'):g} {unit}"
    factor, unit = _SHOWN[dimension][-1]
    return f"{float(f'{value / factor:.3g}'):g} {unit}"
