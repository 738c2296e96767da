"""The ledger keeps every trial, whatever cut it off."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.ledger import Ledger
from plimsoll.limits import Measured
from plimsoll.trial import Score, Status, Trial

PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]))
SHARES = st.floats(0, 1)
TRIALS = st.builds(
    Trial,
    id=PLAIN,
    recipe=PLAIN,
    knobs=st.dictionaries(PLAIN, st.integers() | SHARES | PLAIN | st.booleans(), max_size=3),
    status=st.sampled_from(list(Status)),
    why=PLAIN,
    score=st.none() | st.builds(Score, PLAIN, SHARES, SHARES, SHARES, st.integers(0, 9)),
    measured=st.builds(lambda p50, size: Measured.exactly(p50=p50, size=size), SHARES, SHARES),
    predicted=st.builds(lambda low, high: Measured({"p50": (low, (low + high) / 2, high)}), SHARES, SHARES),
    breaches=st.lists(PLAIN, max_size=2).map(tuple),
    share=SHARES,
    started=SHARES,
    notes=st.lists(PLAIN, max_size=2).map(tuple),
)


def trial(number: int) -> Trial:
    return Trial(f"t{number}", "constant", {}, Status.FITS, why="grün 😀\nsecond line")


@given(st.lists(TRIALS, max_size=4))
def test_trials_are_read_as_they_were_written(trials: list[Trial]):
    """All of them, in order, with every field."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = Ledger(Path(folder) / "ledger.jsonl")
        for each in trials:
            ledger.add(each)
        assert ledger.trials() == trials


def test_a_ledger_that_is_not_there_is_empty(tmp_path: Path):
    """A run that has not begun has no trials, and reading makes no file."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    assert ledger.trials() == []
    assert not ledger.path.exists()


@pytest.mark.parametrize("kept", [0, 1, 20, -2])
def test_a_line_that_was_cut_off_loses_only_itself(tmp_path: Path, kept: int):
    """A kill in the middle of a write costs that trial, and neither the one before nor the one after."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.add(trial(1))
    whole = ledger.path.read_bytes()
    ledger.add(trial(2))
    ledger.path.write_bytes(whole + ledger.path.read_bytes()[len(whole) :][:kept])
    assert [each.id for each in ledger.trials()] == ["t1"]
    ledger.add(trial(3))
    assert [each.id for each in ledger.trials()] == ["t1", "t3"]


def test_a_line_cut_within_a_letter_loses_only_itself(tmp_path: Path):
    """Half of a letter is passed over like half of a line."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.path.write_bytes('{"trial": "gr\u00fc'.encode()[:-1])
    ledger.add(trial(1))
    assert ledger.trials() == [trial(1)]


def test_a_line_without_its_end_is_kept_and_followed(tmp_path: Path):
    """A whole entry that lacks only the line's end is read, and the next starts a line."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.add(trial(1))
    ledger.path.write_bytes(ledger.path.read_bytes()[:-1])
    ledger.add(trial(2))
    assert ledger.trials() == [trial(1), trial(2)]


def test_what_was_written_is_never_changed(tmp_path: Path):
    """A later entry leaves the bytes before it as they were."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.add(trial(1))
    before = ledger.path.read_bytes()
    ledger.add(trial(2))
    assert ledger.path.read_bytes().startswith(before)
    assert ledger.path.read_bytes().count(b"\n") == 2


def test_other_entries_stand_beside_trials(tmp_path: Path):
    """What is kept beside a trial is read with it, and an entry without a trial is no trial."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.write({"event": "started"})
    ledger.add(trial(1), settled={"trees": 7})
    with ledger.path.open("a") as file:
        file.write(json.dumps([1, 2]) + "\n")
    assert [entry.get("settled", entry.get("event")) for entry in ledger.entries()] == ["started", {"trees": 7}]
    assert ledger.trials() == [trial(1)]


def test_an_estimate_keeps_its_two_ends(tmp_path: Path):
    """Energy is written as low and high, and is read as an interval again."""
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.add(Trial("t1", "constant", {}, Status.FITS, measured=Measured({"energy": (20.0, 50.0, 150.0)})))
    low, _, high = ledger.trials()[0].measured.figures["energy"]
    assert (low, high) == (20.0, 150.0)
