"""Files of samples: every layout gives the samples that were written, and what is broken gives one line."""

from __future__ import annotations

import os
import pickle
import random
import sys
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import polars as pl
import pytest

import sample_files as toys
from plimsoll import pandas_tables, signal_files
from plimsoll.errors import DataError, JobError, MissingExtra, UserError
from plimsoll.job import Sensor
from plimsoll.schema import Axis
from plimsoll.takes import Take
from sample_files import START

EMG = toys.noise(600, 3)
LABELS = np.repeat([0, 1, 2], 200).astype(np.uint8)


def _all(take: Take, begin: int = 0, end: int | None = None) -> np.ndarray:
    return np.concatenate(list(take.samples.parts(begin, take.samples.frames if end is None else end)))


def _one(file: Path, **sensor) -> Take:
    takes = signal_files.read(file, Sensor(**sensor))
    assert len(takes) == 1
    return takes[0]


# What is whole.


def test_npz_is_its_array_of_two_dimensions_with_those_beside_it(tmp_path: Path):
    take = _one(toys.npz(tmp_path / "a.npz", EMG, labels=LABELS, fs=200, other=np.arange(7)))
    assert (take.signal, take.layout.rate, take.layout.axes) == ("emg", 200.0, (Axis("electrode", 3),))
    np.testing.assert_array_equal(_all(take, 5, 9), EMG[5:9])
    np.testing.assert_array_equal(take.tracks["labels"](), LABELS)
    assert take.short["other"] == 7


def test_npz_may_hold_intervals(tmp_path: Path):
    """A structured array of a label, a start and an end is a label a frame."""
    table = np.array([("fist", 1.0, 2.0)], dtype=[("label", "U8"), ("start", "f8"), ("end", "f8")])
    track = _one(toys.npz(tmp_path / "a.npz", EMG, gestures=table), rate=200.0).tracks["gestures"]()
    assert track[199:201].tolist() == ["rest", "fist"]
    assert track[399:401].tolist() == ["fist", "rest"]


def test_plain_hdf5_says_its_rate_its_channels_and_whom_it_is_of(tmp_path: Path):
    file = toys.hdf5(tmp_path / "a.h5", EMG, 500.0, {"labels": LABELS}, person="P01", session=2)
    with h5py.File(file, "a") as held:
        held["emg"].attrs["channels"] = ["fcr", "ecu", "edc"]
    take = _one(file, ring=True)
    assert (take.layout.rate, take.layout.channels) == (500.0, ("fcr", "ecu", "edc"))
    assert take.layout.axes == (Axis("electrode", 3, True),)
    assert take.said == {"person": "P01", "session": 2}
    np.testing.assert_array_equal(_all(take), EMG)
    np.testing.assert_array_equal(take.tracks["labels"](), LABELS)


def test_signals_of_one_name_in_several_groups_are_takes(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w") as held:
        for k in range(3):
            held[f"day{k}/emg"] = EMG + k
            held[f"day{k}"].attrs["session"] = k
    takes = signal_files.read(tmp_path / "a.h5", Sensor(rate=100.0))
    assert [take.said["session"] for take in takes] == [0, 1, 2]
    np.testing.assert_array_equal(_all(takes[2]), EMG + 2)


def test_two_bands_are_one_signal_with_an_axis_of_bands(tmp_path: Path):
    take = _one(toys.emg2qwerty(tmp_path / "a.hdf5"))
    assert take.layout.axes == (Axis("band", 2), Axis("electrode", 16, True))
    assert take.layout.channels[::16] == ("left0", "right0")
    assert (take.layout.rate, take.said["user"], take.said["session_name"]) == (2_000.0, "u1", "s1")
    np.testing.assert_array_equal(_all(take)[:, :16], toys.noise(4_000, 16, 0))
    np.testing.assert_array_equal(_all(take)[:, 16:], toys.noise(4_000, 16, 1))
    keys = take.tracks["keystrokes"]()
    assert [keys[k] for k in (999, 1_000, 1_199, 1_200, 2_000, 2_399, 2_400)] == [
        "rest",
        "h",
        "h",
        "rest",
        "space",
        "space",
        "rest",
    ]
    assert take.tracks["prompts"]()[1_500] == "h "
    only = _one(toys.emg2qwerty(tmp_path / "a.hdf5"), array="emg_right")
    np.testing.assert_array_equal(_all(only), toys.noise(4_000, 16, 1))


def test_joint_angles_are_tracks_beside_the_electrodes(tmp_path: Path):
    take = _one(toys.emg2pose(tmp_path / "a.hdf5"))
    assert take.layout.axes == (Axis("electrode", 16, True),)
    assert {name: take.said[name] for name in ("user", "session", "stage", "side")} == {
        "user": "u2",
        "session": "s9",
        "stage": "counting",
        "side": "left",
    }
    np.testing.assert_array_equal(take.tracks["joint_angles3"](), toys.noise(4_000, 20, 5, 0.3)[:, 3])
    assert take.layout.rate == 2_000.0


@pytest.mark.parametrize("how", ["table", "fixed", "fixed 3"])
def test_tables_that_pandas_wrote_are_tracks(tmp_path: Path, how: str):
    """Prompts without an end last a tenth of a second; stages last as they say."""
    take = _one(toys.neuromotor(tmp_path / "a.hdf5", how))
    assert (take.layout.axes, take.layout.rate) == ((Axis("electrode", 16, True),), 2_000.0)
    prompts, stages = take.tracks["prompts"](), take.tracks["stages"]()
    assert [prompts[k] for k in (999, 1_000, 1_199, 1_200, 2_000)] == [
        "rest",
        "index_press",
        "index_press",
        "rest",
        "thumb_up",
    ]
    assert [stages[k] for k in (0, 2_399, 2_400, 3_999)] == ["static", "static", "moving", "moving"]


def test_a_pickle_in_a_table_is_read_and_never_run():
    """What a pickle would call is not called, and anything but an array of texts is no table."""

    class Attack:
        def __reduce__(self):
            return os.mkdir, ("/nowhere/at/all",)

    assert pandas_tables._unpickled(pickle.dumps(Attack())) is None
    assert pandas_tables._unpickled(pickle.dumps({"a": 1})) is None
    assert pandas_tables._unpickled(b"\x80\x05garbage") is None
    cells = np.array([["a", "b"], ["a", "c"]], dtype=object)
    assert pandas_tables._unpickled(pickle.dumps(cells)).tolist() == cells.tolist()


def test_links_out_of_an_hdf5_file_are_not_followed(tmp_path: Path):
    """What a file says lies in another file, or in a file of raw bytes, is not there."""
    toys.hdf5(tmp_path / "other.h5", EMG)
    (tmp_path / "raw").write_bytes(bytes(8_000))
    with h5py.File(tmp_path / "a.h5", "w") as held:
        held["emg"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "emg")
        held.create_dataset("raw", (1_000, 2), dtype="f4", external=[(str(tmp_path / "raw"), 0, 8_000)])
    with pytest.raises(JobError, match="none: it holds no arrays"):
        signal_files.read(tmp_path / "a.h5", Sensor())


def test_samples_that_are_claimed_and_not_there_are_refused(tmp_path: Path):
    with h5py.File(tmp_path / "a.h5", "w") as held:
        held.create_dataset("emg", (10**9, 8), dtype="f4", chunks=(1_000, 8), fillvalue=1.0)
    with pytest.raises(DataError, match="says that it holds 32,000,000,000 bytes"):
        signal_files.read(tmp_path / "a.h5", Sensor())


@pytest.mark.parametrize("dtype", [np.int16, np.int32, np.float32])
def test_wav_is_mapped(tmp_path: Path, dtype: type):
    samples = (EMG[:, :2] * 20).astype(dtype)
    take = _one(toys.wav(tmp_path / "a.wav", samples))
    assert (take.layout.rate, take.samples.dtype, take.signal) == (8_000.0, np.dtype(dtype), "audio")
    np.testing.assert_array_equal(_all(take, 7, 300), samples[7:300])


def test_eight_bits_are_told_from_their_middle(tmp_path: Path):
    samples = np.arange(256, dtype=np.uint8)
    take = _one(toys.wav(tmp_path / "a.wav", samples))
    assert _all(take)[:, 0].tolist() == list(range(-128, 128))


def test_24_bits_are_read_as_well(tmp_path: Path):
    """Three bytes a sample cannot be mapped."""
    file = toys.wav(tmp_path / "a.wav", np.zeros((10, 1), dtype=np.int32))
    data = bytearray(file.read_bytes())
    body = b"".join(int(k * 1_000).to_bytes(3, "little", signed=True) for k in range(-5, 5))
    data[32:36], data[40:44] = (3).to_bytes(2, "little") + (24).to_bytes(2, "little"), len(body).to_bytes(4, "little")
    data[28:32] = (24_000).to_bytes(4, "little")
    file.write_bytes(bytes(data[:44]) + body)
    assert (_all(_one(file))[:, 0] / 256_000).tolist() == list(range(-5, 5))


def test_parquet_is_a_column_a_channel(tmp_path: Path):
    """Times give the rate, and what else stands there is a track; a value throughout is said of the whole."""
    times = START + np.arange(600) / 250.0
    file = toys.parquet(tmp_path / "a.parquet", EMG, time=times, label=LABELS, person=["P01"] * 600)
    take = _one(file)
    assert (take.signal, take.layout.rate, take.layout.channels) == ("emg", 250.0, ("emg0", "emg1", "emg2"))
    np.testing.assert_array_equal(_all(take, 3, 8), EMG[3:8])
    np.testing.assert_array_equal(take.tracks["label"](), LABELS)
    assert take.said == {"person": "P01"}


def test_a_long_table_holds_several_takes(tmp_path: Path):
    file = toys.parquet(
        tmp_path / "a.parquet", EMG, recording=["x"] * 400 + ["y"] * 200, who=["A"] * 400 + ["B"] * 200, label=LABELS
    )
    takes = signal_files.read(file, Sensor(rate=100.0))
    assert [(take.said, take.samples.frames) for take in takes] == [
        ({"recording": "x", "who": "A"}, 400),
        ({"recording": "y", "who": "B", "label": 2}, 200),
    ]
    np.testing.assert_array_equal(_all(takes[1]), EMG[400:])
    assert takes[1].tracks["label"]().tolist() == [2] * 200


def test_columns_without_numbers_are_channels_where_they_are_decimal(tmp_path: Path):
    pl.DataFrame({"ax": EMG[:, 0], "ay": EMG[:, 1], "step": LABELS}).write_parquet(tmp_path / "a.parquet")
    take = _one(tmp_path / "a.parquet", rate=100.0)
    assert take.layout.channels == ("ax", "ay")
    assert list(take.tracks) == ["step"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.events.csv", "label,start,end\nfist,0.5,1.0\n"),
        ("a_events.tsv", "onset\tduration\tlabel\n0.5\t0.5\tfist\n"),
    ],
)
def test_events_may_stand_in_a_table_beside_any_file(tmp_path: Path, name: str, text: str):
    file = toys.wav(tmp_path / "a.wav", (EMG * 20).astype(np.int16), 200)
    (tmp_path / name).write_text(text)
    track = _one(file).tracks["label"]()
    assert [track[k] for k in (99, 100, 199, 200)] == ["rest", "fist", "fist", "rest"]


# What is wrong.


def test_what_is_not_there_or_empty_is_said(tmp_path: Path):
    (tmp_path / "a.wav").touch()
    for name, said in (("a.wav", "is empty"), ("b.wav", "no such file"), ("c.xyz", "ending is not known")):
        with pytest.raises(DataError, match=said):
            signal_files.read(tmp_path / name, Sensor())


def test_a_wrong_name_is_answered_with_the_right_one(tmp_path: Path):
    files = [
        toys.npz(tmp_path / "a.npz", EMG),
        toys.hdf5(tmp_path / "a.h5", EMG),
        toys.parquet(tmp_path / "a.parquet", EMG),
    ]
    for file in files:
        with pytest.raises(JobError, match='Did you mean "emg"'):
            signal_files.read(file, Sensor(array="emgg"))
    two = toys.npz(tmp_path / "b.npz", EMG, imu=EMG)
    with pytest.raises(JobError, match=r"which array.*--signals b.npz:NAME, one of emg, imu"):
        signal_files.read(two, Sensor())


def test_too_many_channels_are_turned_samples(tmp_path: Path):
    with pytest.raises(DataError, match="turn them"):
        signal_files.read(toys.npz(tmp_path / "a.npz", np.zeros((2, 5_000))), Sensor(rate=10.0))


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = toys.hdf5(tmp_path / "a.h5", EMG)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtra, match=r"plimsoll\[signals\]"):
        signal_files.read(file, Sensor())


def test_a_wav_that_ends_too_soon_is_read_as_far_as_it_goes(tmp_path: Path):
    file = toys.wav(tmp_path / "a.wav", (EMG * 20).astype(np.int16))
    file.write_bytes(file.read_bytes()[:1_244])
    take = _one(file)
    assert take.samples.frames == 200
    assert take.notes


def _files(folder: Path) -> list[Path]:
    return [
        toys.npz(folder / "a.npz", EMG, labels=LABELS, fs=200),
        toys.hdf5(folder / "a.h5", EMG, 200.0, {"labels": LABELS}),
        toys.emg2qwerty(folder / "q.h5", 300),
        toys.neuromotor(folder / "n.h5", "fixed", 300),
        toys.neuromotor(folder / "m.h5", "table", 300),
        toys.wav(folder / "a.wav", (EMG * 20).astype(np.int16)),
        toys.parquet(folder / "a.parquet", EMG, label=LABELS),
    ]


@pytest.mark.parametrize("place", range(7))
def test_a_garbled_file_gives_an_error_of_ours_or_samples(tmp_path: Path, place: int):
    """Cut anywhere, and with bytes changed anywhere, a file is read or refused in one line; it never makes anything else happen."""
    file = _files(tmp_path)[place]
    sound, chance = file.read_bytes(), random.Random(place)
    for turn in range(60):
        data = bytearray(sound)
        if turn % 3 == 0:
            del data[chance.randrange(len(data)) :]
        else:
            for _ in range(chance.choice((1, 4, 40))):
                data[chance.randrange(min(len(data), 2_000) if turn % 3 == 1 else len(data))] = chance.randrange(256)
        file.write_bytes(bytes(data))
        with suppress(UserError):
            for take in signal_files.read(file, Sensor(rate=200.0)):
                assert _all(take, 0, min(take.samples.frames, 600)).shape[1] == take.samples.channels
                for track in take.tracks.values():
                    assert track().shape == (take.samples.frames,)
