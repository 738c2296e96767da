"""CUDA devices: what there is, as the driver tells it, and what each can do, measured where PyTorch is installed."""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any

from plimsoll import rates, units

_ASKED = "uuid,name,memory.total,memory.free,compute_cap,driver_version,power.limit"
_PATIENCE = 3.0  # seconds that the driver may take to answer
_LIMIT = 20.0  # seconds that measuring may take, most of which go to importing PyTorch
_MOST = 64  # devices of a machine, and letters of a name
_MIB = 1 << 20
_SIDE = 4_096  # of the matrices that are multiplied: enough to keep a large device busy
_BLOCK = 1 << 28  # bytes that are copied


@dataclass(frozen=True)
class Device:
    """One device. Memory is in bytes; ``power_limit`` in watts, None where the driver does not say.

    ``rates`` hold operations (``gemm_``) and bytes (``copy``, ``upload``) a second; nothing where none were measured.
    """

    name: str
    memory: int
    free: int
    compute: float  # the capability, such as 9.0
    driver: str
    power_limit: float | None = None
    uuid: str = ""
    rates: Mapping[str, float] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        memory, free = (units.show(part, units.BYTES) for part in (self.memory, self.free))
        watts = [] if self.power_limit is None else [f"at most {self.power_limit:.0f} W"]
        shown = [f"{self.rates[name] / per:.0f} {unit}" for name, per, unit in _SHOWN if name in self.rates]
        return ", ".join([f"{self.name} ({self.compute:.1f})", f"{memory} of which {free} free", *watts, *shown])


_SHOWN = (
    ("gemm_float32", 1e12, "Tflop/s single"),
    ("gemm_float16", 1e12, "Tflop/s half"),
    ("copy", 1e9, "GB/s inside"),
    ("upload", 1e9, "GB/s to it"),
)


def found() -> tuple[Device, ...]:
    """The devices that this process may use; none where the driver is not there, is silent or makes no sense.

    ``CUDA_VISIBLE_DEVICES`` is kept to: what it hides is not for us.
    """
    command = ["nvidia-smi", f"--query-gpu={_ASKED}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError):
        return ()
    listed = [_parsed(line) for line in done.stdout.decode(errors="replace").splitlines()[:_MOST]]
    shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    return tuple(device for place, device in enumerate(listed) if device and _visible(place, device.uuid, shown))


def _parsed(line: str) -> Device | None:
    """One line of what nvidia-smi prints; memory is in MiB there.

    >>> _parsed("GPU-1, NVIDIA L4, 23034, 22563, 8.9, 570.1, 72.00").power_limit
    72.0
    """
    words = [word.strip() for word in line.split(",")]
    try:
        uuid, name, memory, free, compute, driver, watts = words
        told = {"name": name, "memory": int(memory) * _MIB, "free": int(free) * _MIB, "compute": float(compute)}
        limit = float(watts) if watts.replace(".", "", 1).isdecimal() else None  # some say "[N/A]"
        return from_json({**told, "driver": driver, "power_limit": limit, "uuid": uuid})
    except ValueError:
        return None


def _visible(place: int, uuid: str, shown: str | None) -> bool:
    """Whether ``CUDA_VISIBLE_DEVICES`` shows the device of this place.

    >>> _visible(1, "GPU-7f", "0,1"), _visible(1, "GPU-7f", "GPU-7"), _visible(1, "GPU-7f", "")
    (True, True, False)
    """
    if shown is None:
        return True
    words = [word.strip() for word in shown.split(",")]
    return any(word == str(place) or (word != "" and uuid.startswith(word)) for word in words)


def from_json(value: Any) -> Device:
    """The device that ``as_json`` wrote, every number checked. Raises ValueError with what is wrong in words."""
    if not isinstance(value, dict):
        raise ValueError("a device is not a table")
    watts = value.get("power_limit")
    told = rates.numbers("a device", {name: value.get(name) for name in ("memory", "compute")})
    free = rates.numbers("a device", {"free": value.get("free")}, least=0.0)["free"]
    words = [str(value.get(name, ""))[:_MOST] for name in ("name", "driver", "uuid")]
    if not words[0] or not all(word.isprintable() for word in words):
        raise ValueError("a device has no name that can be shown")
    return Device(
        words[0],
        int(told["memory"]),
        int(free),
        told["compute"],
        words[1],
        None if watts is None else rates.numbers("a device", {"power_limit": watts})["power_limit"],
        words[2],
        rates.numbers("a device's rates", value.get("rates", {})),
    )


def card(device: Device, seconds: float = _LIMIT) -> Device:
    """The device with its rates, where PyTorch is installed and can use it in time; otherwise as it was."""
    if importlib.util.find_spec("torch") is None:
        return device
    env = {**os.environ, "CUDA_VISIBLE_DEVICES": device.uuid} if device.uuid else None
    command = [sys.executable, "-m", "plimsoll.devices"]
    try:
        done = subprocess.run(command, env=env, capture_output=True, timeout=seconds, check=True)
        return replace(device, rates=rates.numbers("a device's rates", json.loads(done.stdout)))
    except (OSError, subprocess.SubprocessError, ValueError):
        return device


def main() -> None:
    """Prints the rates of the first device that PyTorch sees, as JSON."""
    torch = importlib.import_module("torch")
    print(json.dumps(_measured(torch) if torch.cuda.is_available() else {}))


def _measured(torch: Any) -> dict[str, float]:
    found = {}
    for kind in ("float32", "float16"):
        left = torch.ones((_SIDE, _SIDE), dtype=getattr(torch, kind), device="cuda")
        found[f"gemm_{kind}"] = _rate(torch, partial(torch.matmul, left, left), 2.0 * _SIDE**3)
    block = torch.ones(_BLOCK, dtype=torch.uint8).pin_memory()
    inside = block.to("cuda")
    found["copy"] = _rate(torch, inside.clone, 2.0 * _BLOCK)  # each byte is read and written
    found["upload"] = _rate(torch, partial(block.to, "cuda"), float(_BLOCK))
    return found


def _rate(torch: Any, action: Callable[[], Any], work: float) -> float:
    """Work a second, over several at a time, for the device is asked in passing and answers later."""

    def several() -> None:
        for _ in range(10):
            action()
        torch.cuda.synchronize()

    several()  # the first ones pay for what is set up once
    return rates.best(several, 10 * work)


if __name__ == "__main__":
    main()
