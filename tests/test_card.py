"""The machine card: measured once, read anywhere, believed only when it is sound."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plimsoll import card, rates
from plimsoll.card import Card
from plimsoll.errors import UserError

SOUND = {
    "card": 1,
    "facts": {"processor": "a quick one", "cores": 4, "flags": ["avx2"]},
    "rates": {"triad_ram": 2e10, "python": 2e7},
    "references": {"trees": 0.2},
    "scaling": 3.1,
    "versions": {"numpy": "2.4.6"},
    "measured": "2026-11-21T12:00:00+00:00",
    "busy": 0.0,
}


@pytest.fixture(scope="module")
def here() -> Card:
    return card.measure()


def test_a_card_knows_what_a_cost_model_needs(here: Card):
    """Every rate is a number above zero, and each recipe of the house has a reference."""
    assert {"triad_ram", "gemm_float32_512", "gather", "branch", "python", "dispatch", "disk"} <= set(here.rates)
    assert all(value > 0 for value in here.rates.values())
    assert {"linear", "trees", "text_ngrams"} <= set(here.references)
    assert here.scaling > 0.2
    assert here.facts["cores"] >= 1


def test_a_card_survives_the_way_to_disk_and_back(here: Card, tmp_path: Path):
    """What is shared is what was measured."""
    place = tmp_path / "card.json"
    place.write_text(json.dumps(here.as_json()))
    assert card.read(place) == here


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"card": 7}, "version 7"),
        ({"rates": {"python": -1}}, "above zero"),
        ({"rates": {"python": True}}, "above zero"),
        ({"rates": {"python": float("inf")}}, "above zero"),
        ({"rates": [1, 2]}, "not a table"),
        ({"references": {f"r{k}": 1.0 for k in range(200)}}, "not a table"),
        ({"scaling": "fast"}, "above zero"),
        ({"facts": None}, "missing"),
    ],
)
def test_a_card_that_is_not_sound_is_refused_in_a_line(change: dict[str, Any], words: str, tmp_path: Path):
    """Of another version, of nonsense, or made to hurt: one line that names the file and how to make a good one."""
    place = tmp_path / "card.json"
    place.write_text(json.dumps(SOUND | change))
    with pytest.raises(UserError, match=words) as caught:
        card.read(place)
    assert "card.json" in str(caught.value)
    assert "plimsoll machine" in str(caught.value)


@pytest.mark.parametrize("content", ["", "[]", "{", "null", "[" * 100_000])
def test_what_is_no_card_is_refused(content: str, tmp_path: Path):
    """Empty, cut off, of another kind, or nested without end."""
    place = tmp_path / "card.json"
    place.write_text(content)
    with pytest.raises(UserError, match=r"card\.json"):
        card.read(place)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path):
    """A card is small."""
    place = tmp_path / "card.json"
    place.write_bytes(b" " * (2 << 20))
    with pytest.raises(UserError, match="too large"):
        card.read(place)


def test_a_missing_card_is_said_so(tmp_path: Path):
    """The system's own words, with the place."""
    with pytest.raises(UserError, match="No such file"):
        card.read(tmp_path / "none.json")


def test_another_machine_is_so_many_times_slower():
    """The geometric mean over the rates that both have; nothing in common is no difference."""
    here, there = {"python": 4.0, "gather": 1.0}, {"python": 1.0, "gather": 1.0, "sort": 9.0}
    assert rates.ratio(here, there, ("python", "gather", "sort")) == pytest.approx(2.0)
    assert rates.ratio(here, {}, ("python",)) == 1.0
