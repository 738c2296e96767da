"""Rules inside a list: what they promise, by lists drawn at random, and how they are read, served and counted."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from plimsoll import catalogue, list_cost, list_rules, ranking
from plimsoll.bundle import Bundle, write
from plimsoll.calibration import Calibration
from plimsoll.cli import main
from plimsoll.clock import Clock
from plimsoll.collection import Collection
from plimsoll.errors import JobError, PolicyError, TrialError
from plimsoll.held import Held
from plimsoll.ids import Ids
from plimsoll.list_rules import Cap, ListRules
from plimsoll.policy.expression import truth
from plimsoll.policy.history import column
from plimsoll.policy.terms import Type, Words
from plimsoll.rows import Coded, Rows
from plimsoll.schema import Column, Kind, Schema
from plimsoll.serve.admin import administered
from plimsoll.serve.answering import answering
from plimsoll.serve.list_request import Ask
from plimsoll.serve.lister import Lister
from plimsoll.serve.routes import Asked
from plimsoll.serve.steering import Standing, ordered, standing
from plimsoll.serve.version import Origin, load
from plimsoll.testing import list_toys
from serving_toys import toy

KINDS = (Kind.TEXT, Kind.CATEGORY, Kind.NUMBER, Kind.BOOLEAN, Kind.TIME)
NAMES = ("title", "genre", "year", "new", "out on")
MANY = list_toys.MANY
FIRM = """
format = 1
[[must]]
when = "genre in ['a', 'b']"
[[must_not]]
when = "year < 1950"
[[at_most]]
of = "genre"
n = 3
[[boost]]
when = "new"
by = 0.2
"""


def films(many: int = MANY, seed: int = 0) -> Collection:
    """Films of whom much is known, and much is missing."""
    random = np.random.default_rng(seed)
    gaps = lambda cells: np.where(random.random(many) < 0.15, np.nan, cells)  # noqa: E731
    texts = [None if random.random() < 0.1 else f"A {'War' if k % 3 else 'peace'} {k}" for k in range(many)]
    genres = [None if random.random() < 0.15 else "abcde"[int(k)] for k in random.integers(0, 5, many)]
    columns: dict[str, Any] = {
        "title": Coded.of(texts),
        "genre": Coded.of(genres),
        "year": gaps(random.integers(1930, 2020, many).astype(float)),
        "new": gaps((random.random(many) < 0.5).astype(float)),
        "out on": gaps(random.integers(0, 2_000_000_000, many).astype(float)),
    }
    schema = Schema(tuple(Column(name, kind) for name, kind in zip(NAMES, KINDS, strict=True)), "film")
    return Collection(Ids.of(map(str, range(many))), Rows(many, columns), schema)


def recommends(collection: Collection | None = None) -> Bundle:
    """A bundle whose answers are lists."""
    crowd, family = list_toys.paths(), catalogue.find("transitions")
    model = family.fit(crowd.job, crowd.schema, crowd.fold, family.space.default, Clock(60.0))
    told = crowd.test.histories("who")
    held = Held.of(Ids.of(map(str, range(len(told)))), told)
    collection = collection or films()
    members = {**model.members(), **collection.members(), **held.members()}
    return Bundle(crowd.job, crowd.schema, "transitions", {}, Calibration(), members, {})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a bundle and the rules of its lists."""
    here = tmp_path_factory.mktemp("served")
    write(here / "bundle", recommends())
    (here / "lists.toml").write_text(FIRM, encoding="utf-8")
    return here


def drawn(seed: int, many: int = 60) -> tuple[ListRules, np.ndarray, np.ndarray]:
    """Rules, scores with ties, and what was seen, all by chance."""
    random = np.random.default_rng(seed)
    caps = tuple(
        Cap(int(random.integers(1, 4)), random.integers(-1, 5, many).astype(np.int32))
        for _ in range(random.integers(0, 3))
    )
    forbidden = random.random(many) < random.choice([0.0, 0.3, 0.9])
    fails = random.binomial(2, random.choice([0.0, 0.4, 0.9]), many).astype(np.int16)
    rise = (random.random(many) < 0.3).astype(np.float32) * np.float32(random.choice([0.0, 0.5, -1.0]))
    scores = random.integers(0, 40, many).astype(np.float32)
    return ListRules(forbidden, fails, rise, caps), scores, random.permutation(many)[: random.integers(0, 8)]


def slowly(rules: ListRules, scores: np.ndarray, seen: np.ndarray, k: int) -> tuple[list[int], int]:
    """The list by its definition, an item at a time, every item weighed at each place."""
    left = [item for item in range(len(scores)) if item not in seen and not rules.forbidden[item]]
    top = sorted((float(scores[item]) for item in left), reverse=True)[: ranking.DEPTH]
    spread = np.float32(top[0] - top[-1]) if top else np.float32(0)
    risen = {item: float(np.float32(scores[item]) + rules.rise[item] * spread) for item in left}
    chosen: list[int] = []
    filled = 0

    def breaks(item: int) -> int:
        full = [
            cap.kinds[item] >= 0 and sum(cap.kinds[other] == cap.kinds[item] for other in chosen) >= cap.n
            for cap in rules.caps
        ]
        return int(rules.fails[item]) + sum(map(int, full))

    while left and len(chosen) < k:
        item = min(left, key=lambda each: (breaks(each), -risen[each], each))
        filled += breaks(item) > 0
        chosen.append(item)
        left.remove(item)
    return chosen, filled


@pytest.mark.parametrize("seed", range(60))
def test_a_list_is_the_one_that_is_defined(seed: int):
    """At every length: the same items as weighing all of them at each place, and as many that break a rule."""
    rules, scores, seen = drawn(seed)
    for k in (1, 5, 10, 60, 100):
        found, filled = rules.best(scores.copy(), seen, k)
        items = found["item"][found["item"] >= 0].tolist()
        assert (items, filled) == slowly(rules, scores, seen, k)


@pytest.mark.parametrize("seed", range(40))
def test_what_is_promised_holds_of_every_list(seed: int):
    """k items wherever there are so many; nothing forbidden or seen, also to fill; a kind only so often before what is filled."""
    rules, scores, seen = drawn(seed)
    found, filled = rules.best(scores.copy(), seen, 10)
    items = found["item"][found["item"] >= 0]
    offered = ~rules.forbidden & ~np.isin(np.arange(len(scores)), seen)
    assert len(items) == min(10, offered.sum()) == len(set(items.tolist()))
    assert offered[items].all()
    kept = items[: len(items) - filled]
    assert not rules.fails[kept].any()
    for cap in rules.caps:
        kinds = cap.kinds[kept]
        assert np.bincount(kinds[kinds >= 0], minlength=1).max() <= cap.n


@pytest.mark.parametrize("seed", range(30))
def test_with_one_cap_nothing_is_filled_that_need_not_be(seed: int):
    """Of one kind of cap the list breaks a rule only where no list of so many keeps all of them."""
    rules, scores, seen = drawn(seed)
    rules = replace(rules, caps=rules.caps[:1])
    sound = ~rules.forbidden & (rules.fails == 0)
    sound[seen] = False
    most = int(sound.sum())
    if rules.caps:
        kinds = rules.caps[0].kinds[sound]
        counts = np.bincount(kinds[kinds >= 0], minlength=1)
        most = int(np.minimum(counts, rules.caps[0].n).sum() + (kinds < 0).sum())
    found, filled = rules.best(scores.copy(), seen, 10)
    assert int((found["item"] >= 0).sum()) - filled == min(10, most)


def test_lists_of_other_lengths_begin_alike():
    """A list of three are the first three of a list of ten."""
    for seed in range(20):
        rules, scores, seen = drawn(seed)
        long, short = (rules.best(scores.copy(), seen, k)[0] for k in (10, 3))
        assert short.tolist() == long[:3].tolist()


def test_no_rule_that_bites_changes_nothing():
    """To the last bit."""
    scores = np.random.default_rng(0).normal(size=300).astype(np.float32)
    rules = ListRules(np.zeros(300, bool), np.zeros(300, np.int16), np.zeros(300, np.float32), ())
    assert (
        rules.best(scores.copy(), np.array([3, 7]))[0].tolist() == ranking.best_one(scores, np.array([3, 7])).tolist()
    )


def test_a_boost_is_in_units_of_the_way_from_the_best_to_the_hundredth():
    """Of 201 items that score 200 to 0 the hundredth scores 101: a boost of one lifts by 99, of what is not forbidden."""
    scores = np.arange(200, -1, -1, dtype=np.float32)
    rise = np.zeros(201, np.float32)
    rise[150] = 1.0
    rules = ListRules(np.zeros(201, bool), np.zeros(201, np.int16), rise, ())
    found, _ = rules.best(scores)
    assert found["score"][found["item"] == 150] == 50 + 99
    forbidden = np.arange(201) == 0
    found, _ = replace(rules, forbidden=forbidden).best(scores)
    assert found["score"][found["item"] == 150] == 50 + 99  # from 199 to 100
    assert scores[0] == 200.0  # the caller's scores are as they were


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_score_that_is_none_is_said_to_be(wrong: float):
    """Rules hide no broken model."""
    rules = ListRules(np.zeros(4, bool), np.zeros(4, np.int16), np.array([0, 1, 0, 0], np.float32), ())
    with pytest.raises(TrialError, match="not a finite number"):
        rules.best(np.array([1.0, wrong, 0.5, 0.2]))


EXPRESSIONS = (
    "year < 1950",
    "not (year < 1950)",
    "genre == 'a' or year >= 1990",
    "genre in ['b', 'c'] and new",
    "contains(title, 'War')",
    "matches(title, r'^A (?i)war 1\\d')",
    "not missing(genre)",
    "or_else(year, 1940) / 2 > 980",
    "weekday(field('out on')) == 3",
    "starts_with(lower(title), 'a p') and length(title) > 8",
    "film in ['3', '17']",
    "True",
)


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_expressions_hold_where_the_policies_own_say_so(text: str):
    """Row by row against the back end that decides histories of a policy."""
    items = films(400, seed=1)
    types = dict(zip(NAMES, (Type.TEXT, Type.TEXT, Type.NUMBER, Type.TRUTH, Type.TIME), strict=True))
    rule = truth(text, Words({**types, "film": Type.TEXT}), "a")
    cells = {
        name: pl.Series(cells.texts() if isinstance(cells, Coded) else cells, strict=False)
        for name, cells in items.rows.columns.items()
    }
    frame = pl.DataFrame({**cells, "film": items.ids.names(range(400))})
    frame = frame.with_columns(pl.col("new").fill_nan(None) == 1.0)
    due = frame.select(column(rule, {name: name for name in frame.columns}).alias("a"))["a"].fill_null(False)
    found = list_rules.holds([rule], items)[0]
    assert found.tolist() == (due.to_list() * (400 // len(due)))
    assert text == "True" or 0 < found.sum() < 400


def test_rules_are_read_into_what_they_say():
    """Musts are counted, what is missing is neither, boosts add up, and kinds are those of the column."""
    items = films()
    more = '[[must]]\nwhen = "new"\n[[boost]]\nwhen = "year > 2000"\nby = -0.5\n[[at_most]]\nof = "year"\nn = 1'
    found = list_rules.of(f"{FIRM}{more}".encode(), items)
    year, new = items.rows.numbers("year"), items.rows.numbers("new") == 1.0
    genre = np.array(items.rows.texts("genre").texts(), dtype=object)
    assert found.forbidden.tolist() == (year < 1950).tolist()
    assert found.fails.tolist() == (2 - np.isin(genre, ["a", "b"]).astype(int) - new).tolist()
    assert found.rise == pytest.approx(0.2 * new - 0.5 * (year > 2000))
    assert [cap.n for cap in found.caps] == [3, 1]
    assert (found.caps[1].kinds < 0).tolist() == np.isnan(year).tolist()
    assert len(set(found.caps[1].kinds.tolist()) - {-1}) == len(np.unique(year[~np.isnan(year)]))
    assert [each.kind for each in found.said] == ["must", "must", "must_not", "boost", "boost", "at_most", "at_most"]


FAULTS = {
    "": "`format`",
    "format = 1": "there are 0 rules",
    'format = 2\n[[must]]\nwhen = "new"': "format = 1",
    "format = 1\n[[must]]\nwhen = 'yaer < 3'": r'must\[0\]: "yaer" is no field. Did you mean "year"',
    "format = 1\n[[must_not]]\nwhen = \"year < '3'\"": r"must_not\[0\].*is a text",
    "format = 1\n[[must]]\nwhen = 'year'": "true or false is due",
    "format = 1\n[[boost]]\nwhen = 'score() > 1'\nby = 1": r"boost\[0\].*needs a model",
    "format = 1\n[[boost]]\nwhen = 'new'\nby = nan": "not between",
    "format = 1\n[[boost]]\nwhen = 'new'\nby = 0": "or is 0",
    "format = 1\n[[boost]]\nwhen = 'new'\nby = 11": "not between",
    'format = 1\n[[at_most]]\nof = "gnere"\nn = 2': 'Did you mean "genre"',
    'format = 1\n[[at_most]]\nof = "genre"\nn = 0': "less than 1",
    'format = 1\n[[at_most]]\nof = "genre"\nn = 2.5': "Expected `int`",
    'format = 1\n[[at_most]]\nof = "genre"\nn = 2\n[[at_most]]\nof = "genre"\nn = 1': r"at_most\[1\].*already",
    "format = 1\n[[most]]\nwhen = 'new'": 'Did you mean "must"',
    "format = 1\n[[must]]\nwen = 'new'": '"wen" in must is not known. Did you mean "when"',
    "format = 1\n[[must_not]]\nwhen = 'True'": "holds for all 120 items",
    "format = 1\n[[must]]\nwhen = 'year > 3000'": "none keeps all",
    "format = 1\n[[must]]\nwhen = '__import__(\"os\")'": "is no function",
    "format = 1\n" + "[[must]]\nwhen = 'True'\n" * 101: "between 1 and 100",
    f"format = 1\n[[must]]\nwhen = '{'not ' * 45}new'": "deep in one another",
    f"format = 1\n[[must]]\nwhen = '{'1 ' * 2_000}'": "at most 2,000 are read",
    "format =": "it is not TOML",
    "\xff": "it is not UTF-8",
}


@pytest.mark.parametrize(("text", "why"), FAULTS.items())
def test_what_is_wrong_is_told_in_one_line(text: str, why: str, tmp_path: Path):
    """With the file, the rule and the nearest word."""
    place = tmp_path / "lists.toml"
    place.write_bytes(text.encode("latin-1"))
    with pytest.raises(PolicyError, match=why) as said:
        list_rules.read(place, films())
    assert str(said.value).startswith(f"{place}: ")
    assert "\n" not in str(said.value)


def test_a_file_that_is_too_large_or_not_there_is_refused(tmp_path: Path):
    """Before a byte of it is looked at."""
    place = tmp_path / "lists.toml"
    with pytest.raises(PolicyError, match="cannot be read"):
        list_rules.read(place, films())
    place.write_bytes(b"#" * 1_000_001)
    with pytest.raises(PolicyError, match="larger than 1 MB"):
        list_rules.read(place, films())


def test_an_answer_keeps_the_rules_and_says_what_was_filled(served: Path):
    """Of the answers to all users: nothing forbidden, three of a genre, and where only few items are asked for they are filled."""
    lister = Lister(recommends(), rules=served / "lists.toml")
    items, year = films(), films().rows.numbers("year")
    genre = items.rows.texts("genre").texts()
    for user in range(50):
        told = json.loads(lister.answer(json.dumps({"who": user, "k": 10}).encode()))
        found = [each["id"] for each in told["items"]]
        assert len(found) == 10
        assert not any(year[item] < 1950 for item in found)
        kept = found[: 10 - told["filled"]]
        assert told["filled"] == 4  # three each of two genres are all that there may be
        assert [genre[item] for item in kept].count("a") == [genre[item] for item in kept].count("b") == 3
    only = [item for item in range(MANY) if genre[item] == "a" and year[item] < 1950][:2]
    told = json.loads(lister.answer(json.dumps({"who": None, "only": only}).encode()))
    assert told["items"] == []
    assert "filled" not in told


def test_alone_is_as_in_a_batch_and_in_a_file(served: Path, tmp_path: Path):
    """A row, a list of rows, and plimsoll predict: the same items, scores and places that are filled."""
    lister = Lister(recommends(), rules=served / "lists.toml")
    alone = [json.loads(lister.answer(json.dumps({"who": user}).encode())) for user in range(20)]
    assert json.loads(lister.answer(json.dumps([{"who": user} for user in range(20)]).encode())) == alone
    (tmp_path / "users.csv").write_text("who\n" + "\n".join(map(str, range(20))))
    words = ["predict", str(served / "bundle"), str(tmp_path / "users.csv"), "--out", str(tmp_path / "out.parquet")]
    assert main([*words, "--quiet", "--lists", str(served / "lists.toml")]) == 0
    told = pl.read_parquet(tmp_path / "out.parquet").partition_by("who", maintain_order=True)
    for one, frame in zip(alone, told, strict=True):
        assert frame["film"].cast(pl.Int64).to_list() == [each["id"] for each in one["items"]]
        assert frame["score"].to_list() == pytest.approx([each["score"] for each in one["items"]], rel=1e-7)
        assert frame["filled"].to_list() == [place >= 10 - one["filled"] for place in range(10)]


def test_rules_stay_when_a_bundle_is_swapped(served: Path):
    """What is left out of a swap comes from where it came before, through an order that other workers read."""
    now = Origin(served / "bundle", lists=served / "lists.toml")
    assert ordered("swap", now).origin == now
    assert standing(Origin(Path("a")), [ordered("swap", now)]) == Standing(now, Origin(Path("a")))
    assert load(now).as_json()["lists_digest"] == list_rules.read(served / "lists.toml", films()).digest
    seen: list[Any] = []

    class _Steering:
        async def do(self, order: Any) -> None:
            seen.append(order)

        def shown(self) -> dict[str, Any]:
            return {}

    class _Served:
        now = load(Origin(served / "bundle", lists=served / "lists.toml"))

    swap = administered(_Steering(), _Served(), [served])["/admin/swap"]  # type: ignore[arg-type]
    body = json.dumps({"bundle": str(served / "bundle")}).encode()
    asyncio.run(swap.answer(Asked("POST", "/admin/swap", body=body)))
    assert seen[0].origin.lists == served / "lists.toml"


def test_rules_of_lists_are_not_for_rows(served: Path):
    """A bundle of classes refuses them in one line."""
    with pytest.raises(JobError, match="--lists is of bundles whose answers are lists"):
        answering(toy(), lists=served / "lists.toml")


def test_what_rules_cost_is_told_with_a_paired_interval():
    """Rules that forbid half of what is true cost about half; rules that bite on nothing cost nothing at all."""
    model, crowd = recommends().model(), list_toys.paths()
    told, truths = crowd.test.histories("who"), crowd.truth
    free = ListRules(np.zeros(MANY, bool), np.zeros(MANY, np.int16), np.zeros(MANY, np.float32), ())
    none = list_cost.cost(free, model, told, truths)  # type: ignore[arg-type]  # a listing
    assert none.change == (0.0, 0.0, 0.0)
    assert none.without == none.kept > 0.1
    assert none.filled == 0.0
    half = list_cost.cost(replace(free, forbidden=np.arange(MANY) % 2 == 0), model, told, truths)  # type: ignore[arg-type]
    low, mean, high = half.change
    assert low < mean < high < 0.0
    assert math.isclose(half.kept - half.without, mean, abs_tol=1e-9)
    fails = np.ones(MANY, np.int16)
    assert list_cost.cost(replace(free, fails=fails), model, told, truths).filled == 1.0  # type: ignore[arg-type]


def test_the_command_says_of_how_many_items_a_rule_speaks(served: Path, capsys: pytest.CaptureFixture[str]):
    """In lines and as JSON."""
    assert main(["lists", "check", str(served / "lists.toml"), str(served / "bundle"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [each["kind"] for each in told["rules"]] == ["must", "must_not", "boost", "at_most"]
    assert told["rules"][1]["items"] == int((films().rows.numbers("year") < 1950).sum())
    assert main(["lists", "check", str(served / "lists.toml"), str(served / "bundle")]) == 0
    assert f"Of 120 items {told['sound']} are all" in capsys.readouterr().out


def test_an_ask_without_rules_is_as_before():
    """No word of rules in it."""
    assert "filled" not in Lister(recommends()).listed(Ask(list_toys.paths().test.histories("who").past(0)))
