"""Files of samples for tests, in every layout that is read, from seeds."""

from __future__ import annotations

import functools
import json
import pickle
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import polars as pl
from scipy.io import wavfile

START = 1_600_000_000.0  # a clock's time, in seconds


def noise(frames: int, channels: int, seed: int = 0, scale: float = 20.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, scale, (frames, channels)).astype(np.float32)


def npz(file: Path, emg: np.ndarray, **beside: Any) -> Path:
    np.savez_compressed(file, emg=emg, **beside)
    return file


def wav(file: Path, samples: np.ndarray, rate: int = 8_000) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    wavfile.write(file, rate, samples)
    return file


def hdf5(file: Path, emg: np.ndarray, rate: float = 200.0, beside: dict[str, Any] | None = None, **said: Any) -> Path:
    """A plain file: samples with a rate among their attributes, and arrays beside them."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(file, "w") as held:
        held.create_dataset("emg", data=emg, chunks=True, compression="gzip").attrs["rate"] = rate
        for name, values in (beside or {}).items():
            held[name] = values
        held.attrs.update(said)
    return file


def parquet(file: Path, emg: np.ndarray, **beside: Any) -> Path:
    pl.DataFrame({**{f"emg{k}": emg[:, k] for k in range(emg.shape[1])}, **beside}).write_parquet(file)
    return file


def _records(frames: int, rate: float, **fields: np.ndarray) -> np.ndarray:
    types = [("time", "<f8"), *((name, values.dtype, values.shape[1:]) for name, values in fields.items())]
    found = np.zeros(frames, dtype=types)
    found["time"] = START + np.arange(frames) / rate
    for name, values in fields.items():
        found[name] = values
    return found


def emg2qwerty(file: Path, frames: int = 4_000, seed: int = 0) -> Path:
    keys = [
        {"key": "h", "start": START + 0.5, "end": START + 0.6},
        {"key": " ", "start": START + 1.0, "end": START + 1.2},
    ]
    prompts = [{"name": "text_prompt", "start": START + 0.4, "end": START + 1.5, "payload": {"text": "h "}}]
    left, right = noise(frames, 16, seed), noise(frames, 16, seed + 1)
    with h5py.File(file, "w") as held:
        group = held.create_group("emg2qwerty")
        group.create_dataset("timeseries", data=_records(frames, 2_000.0, emg_right=right, emg_left=left), chunks=True)
        group.attrs.update(
            {"user": "u1", "session_name": "s1", "keystrokes": json.dumps(keys), "prompts": json.dumps(prompts)}
        )
    return file


def emg2pose(file: Path, frames: int = 4_000) -> Path:
    with h5py.File(file, "w") as held:
        group = held.create_group("emg2pose")
        angles = noise(frames, 20, 5, 0.3)
        group.create_dataset("timeseries", data=_records(frames, 2_000.0, joint_angles=angles, emg=noise(frames, 16)))
        group.attrs.update({"user": "u2", "session": "s9", "stage": "counting", "side": "left", "sample_rate": 2_000.0})
    return file


def neuromotor(file: Path, how: str, frames: int = 4_000) -> Path:
    """Prompts and stages as pandas writes them: in its format for appending, in its fixed one, or in that of its version 3."""
    with h5py.File(file, "w") as held:
        held["data"] = _records(frames, 2_000.0, emg=noise(frames, 16))
        for name, columns in TABLES.items():
            _WAYS[how](held.create_group(name), columns)
    return file


TABLES: dict[str, dict[str, list[Any]]] = {
    "prompts": {"name": ["index_press", "thumb_up"], "time": [START + 0.5, START + 1.0]},
    "stages": {
        "name": ["static", "static", "moving"],
        "start": [START, START + 0.8, START + 1.2],
        "end": [START + 0.8, START + 1.2, START + 2.0],
    },
}


def _appendable(group: Any, columns: dict[str, list[Any]]) -> None:
    """``to_hdf(format="table")``: a record a row, its columns by type, and their names as a list in pickle's first protocol."""
    texts = [name for name, cells in columns.items() if isinstance(cells[0], str)]
    numbers = [name for name in columns if name not in texts]
    rows = len(columns[numbers[0]])
    types = [("index", "<i8"), ("values_block_0", "S20", (len(texts),)), ("values_block_1", "<f8", (len(numbers),))]
    table = np.zeros(rows, dtype=types)
    for block, names in (("values_block_0", texts), ("values_block_1", numbers)):
        for k, name in enumerate(names):
            table[block][:, k] = columns[name]
    group.attrs["pandas_type"] = np.bytes_(b"frame_table")
    held = group.create_dataset("table", data=table)
    for block, names in (("values_block_0", texts), ("values_block_1", numbers)):
        held.attrs[f"{block}_kind"] = np.bytes_(pickle.dumps(names, protocol=0))


def _fixed(group: Any, columns: dict[str, list[Any]], flat: bool = False) -> None:
    """``to_hdf()``: blocks of a type; that of texts is a pickled array, of one dimension where it is one column by itself."""
    texts = [name for name, cells in columns.items() if isinstance(cells[0], str)]
    numbers = [name for name in columns if name not in texts]
    group.attrs.update({"pandas_type": np.bytes_(b"frame"), "nblocks": 2})
    group["block0_items"], group["block1_items"] = np.array(texts, dtype="S"), np.array(numbers, dtype="S")
    cells = np.array([columns[name] for name in texts], dtype=object).T
    cells = cells[:, 0] if flat else cells
    vlen = group.create_dataset("block0_values", (1,), dtype=h5py.vlen_dtype(np.uint8))
    vlen[0] = np.frombuffer(pickle.dumps(cells), dtype=np.uint8)
    group["block1_values"] = np.array([columns[name] for name in numbers]).T
    for k in range(2):
        group[f"block{k}_values"].attrs["transposed"] = np.uint8(1)


_WAYS = {"table": _appendable, "fixed": _fixed, "fixed 3": functools.partial(_fixed, flat=True)}
