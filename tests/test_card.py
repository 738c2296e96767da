"""The machine card: measured once, read anywhere, believed only when it is sound, and carried between machines."""

from __future__ import annotations

import json
import math
import os
import select
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from families import UNFORETOLD
from plimsoll import card, catalogue, machine, rates
from plimsoll.card import Card
from plimsoll.errors import UserError

DEVICE = {"name": "NVIDIA L4", "memory": 24_000_000_000, "free": 23_000_000_000, "compute": 8.9, "driver": "570.1"}
SOUND = {
    "card": 2,
    "facts": {
        "processor": "a quick one",
        "cores": 4,
        "usable_cores": 4,
        "memory": 16_000_000_000,
        "allowed_memory": 8_000_000_000,
        "flags": ["avx2"],
    },
    "rates": {"triad_ram": 2e10, "python": 2e7, "dispatch": 1e6},
    "references": {"trees_1000": 0.1, "trees_8000": 0.4, "linear_1000": 0.01},
    "scaling": 3.1,
    "fit_scaling": 2.2,
    "abreast": 3.8,
    "devices": [DEVICE],
    "versions": {"numpy": "2.4.6"},
    "measured": "2026-11-21T12:00:00+00:00",
    "busy": 0.0,
}


def made(**changes: Any) -> Card:
    return Card.from_json(SOUND | changes)


@pytest.fixture(scope="module")
def here() -> Card:
    return card.measure()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that this machine's card is kept in."""
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Card]:
    """The cards that were measured: none is in truth, and each is of this machine."""
    cards: list[Card] = []

    def measure(_: Any = None) -> Card:
        cards.append(replace(made(measured=f"{len(cards)}"), facts=card._here(), versions=machine.versions()))
        return cards[-1]

    monkeypatch.setattr(card, "measure", measure)
    return cards


def test_a_card_knows_what_a_cost_model_needs(here: Card):
    """Every rate is a number above zero, and each recipe of the house has a reference of two sizes."""
    assert {"triad_ram", "gemm_float32_512", "gather", "branch", "python", "dispatch", "disk"} <= set(here.rates)
    assert all(value > 0 for value in (*here.rates.values(), *here.references.values()))
    sizes = {
        name: sorted(int(each.rpartition("_")[2]) for each in here.references if each.startswith(f"{name}_"))
        for name in catalogue.RECIPES
        if name not in UNFORETOLD
    }
    assert {len(found) for found in sizes.values()} == {2}
    assert sizes["trees"] == [1_000, 8_000]
    assert min(here.scaling, here.fit_scaling, here.abreast) > 0.2
    assert here.facts["usable_cores"] >= 1


def test_a_reference_fits_as_many_rows_as_its_name_says():
    """Of a table, or of texts where the recipe takes nothing else; a hundred trees, so that it is over soon."""
    seen = {}

    def watched(name: str) -> Any:
        def fit(job: Any, schema: Any, fold: Any, knobs: Any, clock: Any) -> None:
            seen[name] = (len(fold.train), len(schema.columns), knobs.get("trees"))

        return replace(catalogue.find(name), fit=fit)

    works = rates.small({name: watched(name) for name in ("trees", "text_ngrams")}, 60, 20)
    assert list(works) == ["trees_60", "text_ngrams_20"]
    for work in works.values():
        work()
    assert seen == {"trees": (60, 12, 100), "text_ngrams": (20, 1, None)}


def test_a_card_survives_the_way_to_disk_and_back(here: Card, tmp_path: Path):
    """What is shared is what was measured."""
    place = tmp_path / "card.json"
    for each in (here, made()):
        place.write_text(json.dumps(each.as_json()))
        assert card.read(place) == each


def test_what_a_card_says_beside_is_passed_over():
    """A field that this version does not know changes nothing."""
    assert made(colour="green", facts=SOUND["facts"] | {"weather": {"rain": [1]}}).rates == made().rates


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"card": 7}, "version 7"),
        ({"card": 1}, "version 1, and 2 is read"),
        ({"rates": {"python": -1}}, "above zero"),
        ({"rates": {"python": True}}, "above zero"),
        ({"rates": {"python": float("inf")}}, "above zero"),
        ({"rates": {"python": float("nan")}}, "above zero"),
        ({"rates": {"python": 10**400}}, "above zero"),
        ({"rates": {"\x1b[2J": 1.0}}, "cannot be shown"),
        ({"rates": [1, 2]}, "not a table"),
        ({"references": {f"r{k}": 1.0 for k in range(200)}}, "not a table"),
        ({"references": {"trees_1000": 0}}, "references.trees_1000 is 0"),
        ({"scaling": "fast"}, "above zero"),
        ({"fit_scaling": None}, "the card.fit_scaling"),
        ({"abreast": -2.0}, "the card.abreast"),
        ({"facts": None}, "missing"),
        ({"facts": {"processor": "x"}}, "facts.cores is None"),
        ({"facts": SOUND["facts"] | {"allowed_memory": "8 GB"}}, "facts.allowed_memory"),
        ({"devices": {}}, "not a list"),
        ({"devices": [DEVICE] * 65}, "not a list"),
        ({"devices": ["a fast one"]}, "a device is not a table"),
        ({"devices": [DEVICE | {"memory": -1}]}, "a device.memory"),
        ({"devices": [DEVICE | {"rates": {"copy": "much"}}]}, "rates.copy"),
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
    assert str(caught.value).isprintable()


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


def test_a_card_is_told_in_lines():
    """What all cores are worth to a fit and to fits side by side, and each device in a line of its own."""
    told = "\n".join(card.lines(made()))
    assert "a quick one, 4 cores, 8 GB" in told
    assert "3.1 times one core to products, 2.2 times one core to one fit, 3.8 times one core to fits side by side" in (
        told.replace("3.10", "3.1").replace("2.20", "2.2").replace("3.80", "3.8")
    )
    assert "trees_8000 400 ms" in told
    assert "\ndevice        NVIDIA L4 (8.9), 24 GB of which 23 GB free" in told


def test_a_card_that_lacks_much_is_told_as_far_as_it_goes():
    """Without rates, flags or devices there are fewer lines, and no control character reaches the terminal."""
    facts = {name: value for name, value in SOUND["facts"].items() if name not in ("flags", "processor")}
    told = card.lines(made(rates={}, devices=[], facts=facts | {"energy": "\x1b[2Jnone"}, scaling=0.0))
    assert told[0].startswith("unknown, 4 cores")
    assert not any(line.startswith(("memory", "products", "calls", "device")) for line in told)
    assert "to products" not in "\n".join(told)
    assert all(line.isprintable() for line in told)


def test_a_machine_that_was_busy_is_said_to_be():
    """What was measured beside other work is measured again."""
    assert "Others used 40 % of the cores" in card.lines(made(busy=0.4))[-1]


def _slower(times: float, **references: float) -> Card:
    told = {name: value * times for name, value in SOUND["references"].items()}
    return made(references=told | references)


def test_a_machine_is_as_slow_as_itself():
    """Around 1, with room for what the references do not show."""
    for low, middle, high in card.ratio(made(), made()).values():
        assert middle == pytest.approx(1.0)
        assert low <= 1 / 1.15 + 1e-9
        assert high >= 1.15 - 1e-9


def test_core_seconds_are_carried_by_the_references_of_their_recipe():
    """Where both sizes agree the factor is known to 15 %; where there is one size, less well."""
    found = card.ratio(made(), _slower(2.0, linear_1000=0.05))
    assert found["trees"] == pytest.approx((2 / 1.15, 2.0, 2 * 1.15))
    assert found["linear"] == pytest.approx((5 / 1.3, 5.0, 5 * 1.3))


def test_sizes_that_disagree_widen_the_interval():
    """The middle is the geometric mean, and the ends are twice as far off as the sizes are."""
    found = card.ratio(made(), made(references={"trees_1000": 0.1, "trees_8000": 1.6}))
    assert found["trees"] == pytest.approx((0.5, 2.0, 8.0))


def test_the_way_back_is_the_inverse():
    """There and back again is no change."""
    one, other = made(), _slower(3.0, trees_8000=0.5)
    for name, (low, middle, high) in card.ratio(one, other).items():
        assert card.ratio(other, one)[name] == pytest.approx((1 / high, 1 / middle, 1 / low))


def test_a_recipe_without_a_reference_takes_the_factor_of_the_others():
    """Pooled, and wider than any that was measured; a recipe of the user's own is asked for by name."""
    found = card.ratio(made(), replace(_slower(2.0), rates={}), [*catalogue.RECIPES, "own"])
    assert found["own"] == found["text_ngrams"] == found["p50"] == pytest.approx((2 / 1.6, 2.0, 2 * 1.6))
    assert found["own"][2] > found["linear"][2] > found["trees"][2]
    uneven = card.ratio(made(), replace(made(references={"trees_1000": 0.1, "trees_8000": 1.6}), rates={}))
    assert uneven["linear"] == pytest.approx((0.5, 2.0, 8.0))  # as unsure as what it was taken from


def test_answers_are_carried_by_the_calls_that_they_are_made_of():
    """Python and NumPy's dispatch: half the calls a second is twice the time."""
    there = made(rates={"python": 1e7, "dispatch": 0.5e6})
    assert card.ratio(made(), there)["p50"] == pytest.approx((2 / 1.15, 2.0, 2 * 1.15))
    uneven = card.ratio(made(), made(rates={"python": 2e7, "dispatch": 0.25e6}))["p50"]
    assert uneven == pytest.approx((1.0, 2.0, 4.0))


def test_cards_with_nothing_in_common_say_little():
    """As slow as each other, within a factor of four."""
    found = card.ratio(made(), made(references={"other_5": 1.0}, rates={}))
    assert set(found.values()) == {(0.25, 1.0, 4.0)}
    assert set(found) == {*catalogue.RECIPES, "p50"}


def test_a_card_of_wild_numbers_is_carried_without_a_fault():
    """The largest and smallest numbers that a card may hold give numbers in order."""
    wild = made(references={"trees_1000": 1e18, "trees_8000": 1e-12}, rates={"python": 1e18, "dispatch": 1e-12})
    for low, middle, high in card.ratio(made(), wild).values():
        assert 0 <= low <= middle <= high < math.inf


def test_this_machine_is_measured_once(home: Path, taken: list[Card]):
    """The card is kept, and whoever asks next gets what was kept."""
    assert card.stored() is None
    assert card.here() == taken[0] == card.stored() == card.here() == card.read(home / "card.json")
    assert len(taken) == 1


@pytest.mark.parametrize("fact", ["processor", "cores", "usable_cores", "memory", "allowed_memory"])
def test_a_machine_that_has_changed_is_measured_again(fact: str, home: Path, taken: list[Card], monkeypatch):
    """Another processor, other cores or memory, of the machine or of what may be used of it."""
    told = card.here()
    monkeypatch.setattr(card, "_here", lambda: {**told.facts, fact: "x" if fact == "processor" else 3})
    assert card.stored() is None
    card.here()
    assert len(taken) == 2


def test_a_library_that_has_changed_is_measured_again(home: Path, taken: list[Card], monkeypatch):
    """What was measured with one version says little of the next."""
    card.here()
    monkeypatch.setattr(machine, "versions", lambda: {"numpy": "99"})
    assert card.stored() is None


@pytest.mark.parametrize(("now", "times"), [(0.0, 2), (None, 2), (0.9, 1)])
def test_a_card_taken_beside_other_work_is_taken_again_when_that_is_over(now, times, home, taken, monkeypatch):
    """And used as it is until then."""
    card.keep(replace(card.here(), busy=0.9))
    monkeypatch.setattr(machine, "others_busy", lambda _: now)
    assert card.here().busy == (0.0 if times == 2 else 0.9)
    assert len(taken) == times


@pytest.mark.parametrize("content", ["", "{", json.dumps(SOUND | {"card": 1}), json.dumps(SOUND)])
def test_a_kept_card_that_cannot_be_used_is_measured_again(content: str, home: Path, taken: list[Card]):
    """Damaged, of an older version, or of another machine that shares the folder."""
    (home / "card.json").write_text(content)
    assert card.here() == taken[0] == card.stored()


@pytest.mark.parametrize("said", ["", "off"])
def test_nothing_is_kept_where_nothing_shall_be(said: str, taken: list[Card], monkeypatch):
    """PLIMSOLL_HOME says so, and the card is measured each time."""
    monkeypatch.setenv("PLIMSOLL_HOME", said)
    assert card.keep(made()) is None
    assert card.stored() is None
    card.here()
    card.here()
    assert len(taken) == 2


def test_a_card_that_cannot_be_kept_is_used_all_the_same(tmp_path: Path, taken: list[Card], monkeypatch):
    """A folder that cannot be made stops nobody."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path / "file"))
    assert card.here() == taken[0]
    assert card.keep(made()) is None


def test_a_quick_card_has_the_smallest_fits_alone(monkeypatch):
    """And says of what it did not measure that it is 0."""
    asked = []

    def child(what: str, threads: int, *sizes: int) -> dict[str, Any]:
        asked.append((what, sizes))
        return {"references": {"trees_1000": 0.1}, "fit_scaling": 1.0, "abreast": 1.0}

    monkeypatch.setattr(card, "_child", child)
    found = card.quick()
    assert (asked, found.scaling, found.rates) == ([("fits", (1_000,))], 0.0, {})
    assert Card.from_json(json.loads(json.dumps(found.as_json()))) == found


def test_a_machine_that_cannot_be_measured_is_said_so(monkeypatch):
    """The last words of the process that failed, or that it took too long."""
    with pytest.raises(UserError, match=r"could not be measured: ValueError: .*nothing"):
        card._child("fits", 1, "nothing")  # type: ignore[arg-type]
    monkeypatch.setattr(card, "_PATIENCE", 0.01)
    with pytest.raises(UserError, match="rates took more than"):
        card._child("rates", 1)


def test_what_all_cores_are_worth_is_told_in_times_one_core(monkeypatch):
    """A fit of 2 s alone, 4 s beside another and 1.25 s on two cores: 1.6 times quicker, and no gain side by side."""
    seen = []

    def apart(works: list[Any], cores: list[Any]) -> list[Any]:
        seen.append([list(kept) for kept in cores])
        alone = {"trees_1000": (0.2, 0.2), "trees_8000": (1.9, 2.0)}
        return {1: [alone], 2: [(2.0, 4.0)] * 2, 3: [(2.2, 1.25)]}[len(seen)]

    monkeypatch.setattr(machine, "core_numbers", lambda: (3, 5))
    monkeypatch.setattr(rates, "apart", apart)
    found = rates.fits({"trees": catalogue.find("trees")}, (1_000, 8_000))
    assert found == {"references": {"trees_1000": 0.2, "trees_8000": 1.9}, "fit_scaling": 1.6, "abreast": 1.0}
    assert seen == [[[5]], [[3], [5]], [[3, 5]]]


def test_works_apart_are_kept_to_their_cores_and_run_together():
    """Each says which cores it may use, and each waits for a word of the other, which only neighbours in time get."""
    core = machine.core_numbers()[0]
    pipes = os.pipe(), os.pipe()

    def work(listen: int, tell: int) -> tuple[list[int], bool]:
        os.write(tell, b".")
        return list(machine.core_numbers()), bool(select.select([listen], [], [], 20.0)[0])

    (a, b), (c, d) = pipes
    try:
        assert rates.apart([lambda: work(a, d), lambda: work(c, b)], [[core], [core]]) == [([core], True)] * 2
    finally:
        for end in (a, b, c, d):
            os.close(end)


def test_a_work_apart_that_fails_is_not_passed_over():
    """A process that ended badly has measured nothing."""
    with pytest.raises(RuntimeError, match="failed"):
        rates.apart([lambda: 1, lambda: 1 // 0], [machine.core_numbers()] * 2)


@pytest.mark.parametrize(("seconds", "times"), [(0.0, 100), (0.01, 3), (1.0, 2), (5.0, 1)])
def test_what_is_over_in_a_moment_is_tried_more_often(seconds: float, times: int, monkeypatch):
    """Twice as a rule, once where that is long already, and never without end."""
    clock, tries = [0.0], []

    def work() -> None:
        clock[0] += seconds
        tries.append(1)

    monkeypatch.setattr(rates.time, "perf_counter", lambda: clock[0])
    cpu, wall = rates.spent(work)
    assert len(tries) == times
    assert 0 < cpu < 1
    assert wall == pytest.approx(max(seconds, 1e-6))


def test_a_factor_found_several_times_is_an_interval():
    """The geometric mean, as far to both sides as the furthest of them, or as the least that is asked for."""
    logs = {"a": math.log(2.0), "b": math.log(8.0)}
    assert rates.ratio(logs, 1.1) == pytest.approx((2.0, 4.0, 8.0))
    assert rates.ratio(logs, 3.0) == pytest.approx((4 / 3, 4.0, 12.0))
