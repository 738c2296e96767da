"""A device is what the driver says and what was measured on it; a driver that makes no sense has none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from plimsoll import devices
from plimsoll.devices import Device

LINE = "GPU-7f1c, NVIDIA H100 80GB HBM3, 81559, 80994, 9.0, 570.124.06, 700.00"
H100 = Device("NVIDIA H100 80GB HBM3", 81559 << 20, 80994 << 20, 9.0, "570.124.06", 700.0, "GPU-7f1c")

TORCH = """
import os, time
class Tensor:
    def pin_memory(self): return self
    def to(self, place): return self
    def clone(self): return self
float32 = float16 = uint8 = None
def ones(shape, dtype=None, device=None): return Tensor()
def matmul(left, right): return left
class cuda:
    is_available = staticmethod(lambda: {available})
    synchronize = staticmethod(lambda: time.sleep(0.001))
{more}
"""


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a program called nvidia-smi first on the path, of the lines of shell that it is given."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def install(script: str) -> None:
        place = tmp_path / "bin" / "nvidia-smi"
        place.parent.mkdir()
        place.write_text(f"#!/bin/sh\n{script}\n")
        place.chmod(0o755)
        monkeypatch.setenv("PATH", f"{place.parent}{os.pathsep}{os.environ['PATH']}")

    return install


@pytest.fixture
def torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a PyTorch without a device in it where this process and its children find it first."""

    def install(available: bool, more: str = "") -> None:
        (tmp_path / "torch.py").write_text(TORCH.format(available=available, more=more))
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    return install


def test_a_device_is_what_the_driver_says(driver):
    """Name, bytes, capability, driver and watts; watts that it does not tell are None."""
    driver(f'echo "{LINE}"\necho "GPU-2, NVIDIA GeForce MX, 2048, 2000, 6.1, 550.1, [N/A]"')
    first, second = devices.found()
    assert first == H100
    assert (second.power_limit, second.memory) == (None, 2 << 30)


def test_the_driver_is_asked_for_what_is_read(driver):
    """As many words as a line is taken apart into, without a head and without units."""
    driver('[ "$2" = "--format=csv,noheader,nounits" ] || exit 1\necho "GPU-1, ${1##*,}, 1, 1, 1.0, 1, 1"')
    assert [device.name for device in devices.found()] == ["power.limit"]


@pytest.mark.parametrize(
    ("shown", "names"),
    [(None, ["A", "B"]), ("1", ["B"]), ("0,1", ["A", "B"]), ("GPU-bb", ["B"]), ("", []), ("-1", []), ("7", [])],
)
def test_a_device_that_is_hidden_is_not_for_us(shown: str | None, names: list[str], driver, monkeypatch):
    """CUDA_VISIBLE_DEVICES is kept to, by place and by identity."""
    driver('echo "GPU-aa, A, 1, 1, 8.0, 1, 1"\necho "GPU-bb, B, 1, 1, 8.0, 1, 1"')
    if shown is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    assert [device.name for device in devices.found()] == names


@pytest.mark.parametrize(
    "script",
    [
        "exit 9",
        'echo "NVIDIA-SMI has failed because it could not talk to the driver"',
        "true",
        "head -c 5000 /dev/urandom",
        'echo "GPU-1, A, many, 1, 8.0, 1, 1"',
        'echo "GPU-1, A, 1, 1, nan, 1, 1"',
        'echo "GPU-1, A, -5, 1, 8.0, 1, 1"',
        'echo "GPU-1, A, 1"',
        'printf "GPU-1, A\\033[2J, 1, 1, 8.0, 1, 1"',
        f'echo "{LINE}"; exit 1',
    ],
)
def test_a_driver_that_fails_or_makes_no_sense_has_no_device(script: str, driver):
    """An empty tuple and never an exception."""
    driver(script)
    assert devices.found() == ()


def test_a_driver_that_does_not_answer_is_not_waited_for(driver, monkeypatch):
    """After its time it is ended, and there is no device."""
    monkeypatch.setattr(devices, "_PATIENCE", 0.1)
    driver("exec sleep 30")
    assert devices.found() == ()


def test_without_a_driver_there_is_no_device(tmp_path: Path, monkeypatch):
    """As on most machines."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert devices.found() == ()


def test_a_device_is_measured_where_torch_can_use_it(torch):
    """Products in both precisions and copies, in works a second; all else stays as the driver told it."""
    torch(available=True)
    measured = devices.card(H100)
    assert set(measured.rates) == {"gemm_float32", "gemm_float16", "copy", "upload"}
    assert min(measured.rates.values()) > 0
    assert (measured.name, measured.memory) == (H100.name, H100.memory)


def test_what_is_measured_is_the_device_itself(torch):
    """The child sees one device, the one that is meant, whatever order the libraries count in."""
    torch(available=True, more='assert os.environ["CUDA_VISIBLE_DEVICES"] == "GPU-7f1c"')
    assert devices.card(H100).rates
    assert not devices.card(Device("A", 1, 1, 8.0, "1", uuid="GPU-other")).rates


@pytest.mark.parametrize(
    ("available", "more"),
    [(False, ""), (True, "raise ImportError"), (True, "print('hello')"), (True, "time.sleep(30)")],
)
def test_a_device_that_cannot_be_measured_stays_as_it_was(available: bool, more: str, torch):
    """Without CUDA, with a broken library, with chatter on its output, or when the time is up."""
    torch(available, more)
    assert devices.card(H100, seconds=1.0 if "sleep" in more else 20.0) == H100


def test_without_torch_nothing_is_started(monkeypatch):
    """The facts are all there is then."""
    monkeypatch.setattr(devices.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(devices.subprocess, "run", lambda *_, **__: pytest.fail("a process was started"))
    assert devices.card(H100) == H100


def test_a_device_survives_the_way_to_disk_and_back():
    """With its rates and without."""
    for device in (H100, devices.replace(H100, rates={"copy": 2e12}, power_limit=None)):
        assert devices.from_json(json.loads(json.dumps(device.as_json()))) == device


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"memory": 0}, "memory is 0"),
        ({"free": "all"}, "free"),
        ({"compute": True}, "compute"),
        ({"power_limit": -1}, "power_limit"),
        ({"rates": {"copy": 1e300}}, "copy"),
        ({"rates": [1]}, "not a table"),
        ({"name": ""}, "no name"),
        ({"name": "\x1b[2J"}, "no name"),
        ({"driver": "\n"}, "no name"),
    ],
)
def test_a_device_that_is_not_sound_is_refused(change: dict[str, Any], words: str):
    """Every number is checked, and no word can play tricks on a terminal."""
    with pytest.raises(ValueError, match=words):
        devices.from_json(H100.as_json() | change)


def test_a_device_is_told_in_a_line():
    """What it is, what is free, and what it reached where that was measured."""
    assert str(H100) == "NVIDIA H100 80GB HBM3 (9.0), 85.5 GB of which 84.9 GB free, at most 700 W"
    measured = devices.replace(H100, power_limit=None, rates={"gemm_float16": 6.2e14, "copy": 2.6e12})
    assert str(measured).endswith("free, 620 Tflop/s half, 2600 GB/s inside")
