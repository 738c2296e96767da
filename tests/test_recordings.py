"""Recordings: from a table or a folder into one array, with what is wrong with them said."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import sample_files as toys
from plimsoll import filters, recordings, streaming
from plimsoll.asked import ask, stated
from plimsoll.errors import DataError, JobError
from plimsoll.job import Decode, Sensor
from plimsoll.recordings import Recordings
from plimsoll.sources import batches

SHARED = Path(__file__).parents[2] / "shared" / "data"
BY_SESSION = Decode(person="person", session="session")


def _cell(held: Recordings, row: int) -> np.ndarray:
    return held.samples[held.begins[row] : held.ends[row]]


def _table(folder: Path, **columns: list) -> Path:
    pl.DataFrame(columns).write_csv(folder / "recordings.csv")
    return folder / "recordings.csv"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six files of two people in sub-folders that say who, of three sessions each."""
    for person in ("A", "B"):
        for session in range(3):
            emg = toys.noise(400 + 100 * session, 2, seed=hash((person == "A", session)) % 100)
            place = tmp_path / f"person={person}" / "left" / f"s{session}.h5"
            toys.hdf5(place, emg, 200.0, {"labels": np.arange(len(emg)) // 100 % 2}, session=session)
    return tmp_path


# Where recordings come from.


def test_a_folder_of_recordings_needs_no_table(folder: Path):
    """Attributes and folders named like person=A are columns; another folder's name waits until a job asks for it."""
    held = recordings.read(folder, Sensor())
    assert held.frame["person"].to_list() == ["A"] * 3 + ["B"] * 3
    assert held.frame["session"].to_list() == [0, 1, 2] * 2
    assert held.frame["folder"].unique().to_list() == ["left"]
    assert held.frame["file"][4] == "person=B/left/s1.h5"
    assert (held.ends - held.begins).tolist() == [400, 500, 600] * 2
    assert (held.samples.dtype, held.layout.rate, held.table) == (np.float32, 200.0, False)
    np.testing.assert_array_equal(_cell(held, 4), toys.noise(500, 2, seed=hash((False, 1)) % 100))
    assert held.tracks["labels"][held.begins[4] + 150] == 1


def test_one_file_and_a_glob_are_recordings_too(folder: Path):
    assert recordings.read(folder / "person=A" / "left" / "s0.h5", Sensor()).frame.height == 1
    assert recordings.read(str(folder / "person=*" / "left" / "s1.h5"), Sensor()).frame.height == 2


def test_a_table_may_name_a_file_a_row_of_any_kind(tmp_path: Path):
    """All samples end in one array, of the type that holds them all."""
    emg = (toys.noise(300, 2) * 100).astype(np.int16)
    toys.wav(tmp_path / "w" / "a.wav", emg, 200)
    toys.hdf5(tmp_path / "b.h5", emg, 200.0)
    toys.npz(tmp_path / "c.npz", emg, rate=200)
    toys.parquet(tmp_path / "d.parquet", emg)
    names = ["w/a.wav", "b.h5", "c.npz", "d.parquet"]
    table = _table(tmp_path, file=names, label=["x", "y", "x", "y"])
    held = recordings.read(table, Sensor(rate=200.0))
    assert held.samples.dtype == np.int16
    for row in range(4):
        np.testing.assert_array_equal(_cell(held, row), emg)
    parts = recordings.read(_table(tmp_path, path=names, start=[0, 10, 20, 30], length=[50] * 4), Sensor(rate=200.0))
    np.testing.assert_array_equal(_cell(parts, 2), emg[20:70])


def test_a_table_of_starts_and_lengths_points_into_one_file(tmp_path: Path):
    """Samples in memory of a type that is kept are not copied."""
    emg = toys.noise(1_000, 3).astype(np.int8)
    toys.npz(tmp_path / "s.npz", emg, labels=np.arange(1_000) // 100)
    table = _table(tmp_path, start=[0, 300, 600], length=[300, 300, 400])
    held = recordings.read(table, Sensor(rate=200.0))
    assert held.begins.tolist() == [0, 300, 600]
    np.testing.assert_array_equal(held.samples, emg)
    assert held.tracks["labels"][650] == 6


def test_a_long_table_of_samples_goes_with_a_table_of_recordings(tmp_path: Path):
    emg = toys.noise(500, 2)
    toys.parquet(tmp_path / "s.parquet", emg, recording=["x"] * 200 + ["y"] * 300)
    table = _table(tmp_path, recording=["y", "x"], who=["B", "A"])
    held = recordings.read(table, Sensor(rate=100.0))
    np.testing.assert_array_equal(_cell(held, 0), emg[200:])
    np.testing.assert_array_equal(_cell(held, 1), emg[:200])


def test_nothing_of_the_samples_is_left_on_disk(folder: Path, monkeypatch: pytest.MonkeyPatch):
    """The file that samples are mapped from has no name, so that no end of the program can leave it behind."""
    place = folder / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    held = recordings.read(folder / "person=A", Sensor())
    assert isinstance(held.samples.base, np.memmap)
    assert not os.listdir(place)
    assert np.isfinite(held.samples).all()


# Rates and filters.


def test_files_of_another_rate_are_brought_to_the_commonest(tmp_path: Path):
    for k, rate in enumerate((200.0, 400.0, 200.0)):
        emg = np.full((int(rate), 2), 7.0, dtype=np.float32) + toys.noise(int(rate), 2, k, 0.01)
        toys.hdf5(tmp_path / f"{k}.h5", emg, rate, {"labels": np.repeat([0, 1], int(rate) // 2)})
    held = recordings.read(tmp_path, Sensor())
    assert (held.layout.rate, held.rate) == (200.0, 200.0)
    assert (held.ends - held.begins).tolist() == [200, 200, 200]
    np.testing.assert_allclose(_cell(held, 1), 7.0, atol=0.1)
    assert held.tracks["labels"][held.begins[1] + 99 : held.begins[1] + 101].tolist() == [0, 1]
    assert any("1 of 3 recordings were taken at 400 Hz and are brought to 200 Hz" in line for line in held.warnings)


def test_a_stated_rate_is_one_that_all_are_brought_to(folder: Path):
    held = recordings.read(folder, Sensor(resample=100.0))
    assert (held.layout.rate, held.rate) == (100.0, 200.0)
    assert (held.ends - held.begins).tolist() == [200, 250, 300] * 2
    assert len(held.tracks["labels"]) == len(held.samples)


@pytest.mark.parametrize("sensor", [Sensor(low=20.0, notch=50.0), Sensor(low=20.0, resample=125.0)])
def test_a_session_is_filtered_as_the_stream_that_it_is(tmp_path: Path, sensor: Sensor):
    """Filters go on from one recording of a session to the next, and begin anew with the next session."""
    emg = toys.noise(2_000, 2) + 100.0
    toys.npz(tmp_path / "s.npz", emg)
    table = _table(
        tmp_path, start=[0, 333, 1_000, 1_500], length=[333, 667, 500, 500], person=["A"] * 4, session=[1, 1, 2, 2]
    )
    held = recordings.read(
        table, Sensor(rate=200.0, low=sensor.low, notch=sensor.notch, resample=sensor.resample), BY_SESSION
    )
    wanted = sensor.resample or 200.0
    whole = filters.ready(sensor, 200.0, wanted)
    np.testing.assert_allclose(np.concatenate([_cell(held, 0), _cell(held, 1)]), whole.push(emg[:1_000]), atol=1e-4)
    assert held.ends[0] == held.begins[1]
    np.testing.assert_allclose(_cell(held, 2), filters.ready(sensor, 200.0, wanted).push(emg[1_000:1_500]), atol=1e-4)


def test_without_sessions_each_recording_is_filtered_by_itself(tmp_path: Path):
    emg = toys.noise(1_000, 2) + 100.0
    toys.npz(tmp_path / "s.npz", emg)
    table = _table(tmp_path, start=[0, 500], length=[500, 500])
    held = recordings.read(table, Sensor(rate=200.0, low=20.0))
    np.testing.assert_allclose(_cell(held, 1), filters.ready(Sensor(low=20.0), 200.0, 200.0).push(emg[500:]), atol=1e-4)


def test_recordings_for_a_model_are_made_like_those_that_it_knows(folder: Path, tmp_path: Path):
    known = recordings.read(folder, Sensor(resample=100.0))
    other = toys.npz(tmp_path / "x.npz", toys.noise(800, 2), fs=400)
    held = recordings.alike(other, Sensor(), "emg", known.layout)
    assert held.layout == known.layout
    assert len(held.samples) == 200
    with pytest.raises(DataError, match="have 3 channels, and 2 are needed"):
        recordings.alike(toys.npz(tmp_path / "y.npz", toys.noise(800, 3), fs=400), Sensor(), "emg", known.layout)


# What is wrong.


def test_bad_recordings_are_named_and_the_rest_is_used(tmp_path: Path):
    """Each kind of fault is told in one line with the name of its recording, and none ends the run."""
    for k in range(12):
        toys.hdf5(tmp_path / f"r{k:02}.h5", toys.noise(400, 3, k), 200.0, {"labels": np.arange(400) // 100 % 2})
    sound = (tmp_path / "r00.h5").read_bytes()
    (tmp_path / "r01.h5").write_bytes(sound[: len(sound) // 3])
    for k, change in {2: (slice(0, 200), np.nan), 3: (slice(5, 6), np.inf)}.items():
        emg = toys.noise(400, 3, k)
        emg[change[0], 0] = change[1]
        toys.hdf5(tmp_path / f"r{k:02}.h5", emg, 200.0, {"labels": np.arange(400) // 100 % 2})
    full = np.clip(toys.noise(400, 3, 4, 60.0), -100, 100)
    toys.hdf5(
        tmp_path / "r04.h5",
        np.where(np.abs(full) >= 100, np.sign(full) * 300, full),
        200.0,
        {"labels": np.arange(400) // 100 % 2},
    )
    dead = toys.noise(400, 3, 5)
    dead[:, 1] = 4.0
    toys.hdf5(tmp_path / "r05.h5", dead, 200.0, {"labels": np.arange(400) // 100 % 2})
    toys.hdf5(tmp_path / "r06.h5", toys.noise(20, 3), 200.0, {"labels": np.arange(20) // 10})
    toys.hdf5(tmp_path / "r07.h5", toys.noise(400, 3, 7), 200.0, {"labels": np.zeros(400, dtype=int)})
    toys.hdf5(tmp_path / "r08.h5", toys.noise(400, 3, 8), 200.0, {"labels": np.arange(300) // 100 % 2})
    slow, gap = np.arange(400) / 150.0, np.arange(400) / 200.0 + 5.0 * (np.arange(400) > 100)
    toys.hdf5(tmp_path / "r09.h5", toys.noise(400, 3, 9), 200.0, {"labels": np.arange(400) // 100 % 2, "time": slow})
    toys.hdf5(tmp_path / "r10.h5", toys.noise(400, 3, 10), 200.0, {"labels": np.arange(400) // 100 % 2, "time": gap})
    held = recordings.read(tmp_path, Sensor(), label="labels")
    assert held.frame.height == 9
    assert np.isfinite(held.samples).all()
    for name, said in (
        ("r01.h5", "cannot be read and are left out"),
        ("r02.h5", "left out, for many of their values are no number"),
        ("r03.h5", "the last good one stands"),
        ("r04.h5", "saturated"),
        ("r05.h5 (emg1)", "never change"),
        ("r06.h5 (20 frames)", "far shorter"),
        ('r07.h5 ("0")', "one label throughout"),
        ('r08.h5 ("labels" has 300 values for 400 frames)', "do not cover"),
        ("r09.h5 (150 Hz, not 200 Hz)", "another rate"),
        ("r10.h5 (1 of up to 5.005 s)", "gaps"),
    ):
        lines = [line for line in held.warnings if name in line]
        assert len(lines) == 1, (name, held.warnings)
        assert said in lines[0]
        assert lines[0].startswith("1 of 12 recordings")
    assert not any("r00" in line or "r11" in line for line in held.warnings)


def test_sound_recordings_give_no_warnings(folder: Path):
    assert recordings.read(folder, Sensor(low=20.0), BY_SESSION, "labels").warnings == ()


def test_a_recording_that_is_left_out_breaks_its_stream(tmp_path: Path):
    """What lies before and after it is not taken for one stretch, and its filters start anew."""
    emg = toys.noise(900, 2) + 50.0
    broken = emg.copy()
    broken[300:600] = np.nan
    toys.npz(tmp_path / "s.npz", broken)
    table = _table(tmp_path, start=[0, 300, 600], length=[300] * 3, person=["A"] * 3, session=[1] * 3)
    held = recordings.read(table, Sensor(rate=200.0, low=20.0), BY_SESSION)
    assert held.frame["start"].to_list() == [0, 600]
    assert held.begins[1] > held.ends[0]
    np.testing.assert_allclose(_cell(held, 1), filters.ready(Sensor(low=20.0), 200.0, 200.0).push(emg[600:]), atol=1e-4)


def test_a_label_of_the_table_that_its_track_never_has_is_named(tmp_path: Path):
    emg, said = toys.noise(2_000, 2), [k % 5 + 1 for k in range(20)]
    track = np.repeat(said, 100) * (np.arange(2_000) % 100 >= 50)
    track[track == 3] = np.where(np.arange(2_000)[track == 3] // 100 == 12, 4, 3)
    toys.npz(tmp_path / "s.npz", emg, labels=track)
    table = _table(tmp_path, start=list(range(0, 2_000, 100)), length=[100] * 20, gesture=said)
    held = recordings.read(table, Sensor(rate=200.0), label="labels")
    assert any('column "gesture" says: row 13 ("3")' in line for line in held.warnings), held.warnings


def test_when_no_recording_can_be_used_that_is_an_error(tmp_path: Path):
    (tmp_path / "a.h5").write_bytes(b"\x89HDF\r\n\x1a\n")
    with pytest.raises(DataError, match="cannot be read as HDF5"):
        recordings.read(tmp_path, Sensor())
    toys.npz(tmp_path / "s.npz", np.full((10, 2), np.nan))
    with pytest.raises(DataError, match="No recording can be used"):
        recordings.read(tmp_path / "s.npz", Sensor(rate=10.0))


def test_a_table_that_points_at_missing_files_is_an_error(tmp_path: Path):
    toys.wav(tmp_path / "a.wav", np.arange(10, dtype=np.int16))
    table = _table(tmp_path, file=["a.wav", "b.wav", ""], label=[1, 2, 3])
    with pytest.raises(DataError, match='2 files that are not there: row 2 at "b'):
        recordings.read(table, Sensor())


def test_files_of_different_channels_are_an_error(tmp_path: Path):
    toys.wav(tmp_path / "a.wav", toys.noise(50, 1).astype(np.int16))
    toys.wav(tmp_path / "b.wav", toys.noise(50, 2).astype(np.int16))
    with pytest.raises(DataError, match=r"b\.wav has 2 channels, and a\.wav has 1"):
        recordings.read(tmp_path, Sensor())


def test_a_rate_that_nobody_says_is_an_error(tmp_path: Path):
    with pytest.raises(JobError, match="does not say how fast it was sampled"):
        recordings.read(toys.npz(tmp_path / "s.npz", toys.noise(50, 2)), Sensor())


@pytest.mark.parametrize(("start", "length"), [([0, 90], [50, 20]), ([-1, 0], [5, 5]), ([2**62, 0], [2**62, 5])])
def test_places_beyond_the_samples_are_an_error(tmp_path: Path, start: list, length: list):
    toys.npz(tmp_path / "s.npz", toys.noise(100, 2))
    with pytest.raises(DataError, match="points at frames"):
        recordings.read(_table(tmp_path, start=start, length=length), Sensor(rate=10.0))
    with pytest.raises(DataError, match="no whole number"):
        recordings.read(_table(tmp_path, start=["x", "y"], length=length), Sensor(rate=10.0))


@pytest.mark.parametrize(
    "words", [{"rate": "200Hx"}, {"band": "20-90Hx"}, {"notch": "fifty"}, {"rate": "nan"}, {"rate": -5.0}]
)
def test_a_frequency_typed_badly_is_an_error(words: dict):
    with pytest.raises(JobError, match=r"is not a frequency|below 0"):
        stated("label", moments={}, signals=words)


# What a job makes of them.


def test_one_label_a_recording_is_learned_from_the_table(tmp_path: Path):
    """Rows are recordings; where they lie is nothing to learn from."""
    for k in range(8):
        toys.wav(tmp_path / f"{k}.wav", (toys.noise(300, 1, k) * 50).astype(np.int16))
    table = _table(
        tmp_path, file=[f"{k}.wav" for k in range(8)], label=list("abababab"), split=["train"] * 6 + ["test"] * 2
    )
    found = ask(stated("label", split="column:split", signals={}), table, None)
    assert (len(found.learn), len(found.test), found.schema.classes) == (6, 2, ("a", "b"))
    assert found.schema.names == ("audio",)
    assert found.schema.columns[0].layout.rate == 8_000.0


def test_a_job_remembers_the_rate_of_a_stream(folder: Path):
    """A stream comes at the sensor's rate, and moments at the layout's: chunked and whole give the same samples."""
    job = stated(
        "labels",
        moments={"person": "person", "session": "session"},
        signals={"resample": "100Hz", "band": "10-40Hz"},
    )
    found = ask(job, folder, None)
    assert found.job.signals.heard == 200.0
    assert found.schema.columns[0].layout.rate == 100.0
    raw = toys.noise(400, 2, seed=hash((True, 0)) % 100)
    made = streaming.prepared(found.job, found.schema)
    parts = np.concatenate([made.push(raw[k : k + 20]) for k in range(0, 400, 20)])
    held = recordings.read(folder, found.job.signals, found.job.decode)
    np.testing.assert_allclose(_cell(held, 0), parts, atol=1e-4)


def test_what_is_to_be_answered_is_made_like_what_was_learned(folder: Path, tmp_path: Path):
    """A file of another rate and another name of its array is answered all the same."""
    job = stated("labels", moments={"person": "person"}, signals={})
    found = ask(job, folder, None)
    np.savez(tmp_path / "x.npz", other=toys.noise(1_600, 2), fs=800)
    shown, rows = next(
        batches(tmp_path / "x.npz", stated("labels", moments={}, signals={}), found.schema.without(["person"]), 1_000)
    )
    assert rows.signals("emg").ends[-1] == 400
    assert shown.height == len(rows)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs ../shared/data")
def test_the_shared_recordings_are_read():
    held = recordings.read(SHARED / "spoken_digits" / "metadata.csv", Sensor())
    assert (held.frame.height, held.layout.rate, held.samples.dtype, held.warnings) == (1_200, 8_000.0, np.int16, ())
    wrist = SHARED / "myo_wrist_gestures" / "recordings.csv"
    held = recordings.read(wrist, Sensor(rate=200.0), Decode(person="participant", session="session"), "labels")
    assert (held.frame.height, held.samples.shape, held.samples.dtype) == (288, (1_152_000, 8), np.int8)
    assert len(held.warnings) <= 3
