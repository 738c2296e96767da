"""Any bytes, to each thing that reads what comes from outside: a value or an error of ours, and nothing else."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

fuzzing = pytest.importorskip("fuzzing", reason="atheris is not installed", exc_type=ImportError)
TRIES = 1_000  # of each target; the long run is a command


@pytest.mark.parametrize("name", fuzzing.TARGETS)
def test_any_bytes_are_answered_by_a_value_or_an_error_of_ours(name: str):
    """Sound inputs, changed here and there by chance, always the same ones."""
    target, chance = fuzzing.TARGETS[name], random.Random(name)
    with fuzzing.folder() as place:
        check = target.made(place)
        for seed in target.seeds:
            check(seed)
        for _ in range(TRIES):
            data = fuzzing.changed(target, chance)
            try:
                check(data)
            except Exception as fault:
                raise AssertionError(f"{name}: {data!r}") from fault


@pytest.mark.parametrize(("name", "data"), [(name, data) for name, all_ in fuzzing.FOUND.items() for data in all_])
def test_what_was_found_once_is_not_found_again(name: str, data: bytes):
    """Each finding of a long run stands here for good."""
    with fuzzing.folder() as place:
        fuzzing.TARGETS[name].made(place)(data)


def test_the_long_run_takes_every_target():
    """make fuzz names them all."""
    lines = (Path(__file__).parents[1] / "Makefile").read_text(encoding="utf-8")
    assert re.findall(r"@for each in (.+); do", lines) == [" ".join(fuzzing.TARGETS)]


def test_a_finding_is_seen():
    """The tests above would be worthless if a target swallowed what is no error of ours."""

    def broken(_: object) -> object:
        def check(data: bytes) -> None:
            if b"boom" in data:
                raise KeyError("boom")

        return check

    target = fuzzing.Target(broken, (b"ab",), (b"boom",))
    chance, check = random.Random(0), target.made(None)
    inputs = [fuzzing.changed(target, chance) for _ in range(200)]
    with pytest.raises(KeyError):
        list(map(check, inputs))
