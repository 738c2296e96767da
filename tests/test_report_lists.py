"""The report of a run whose answers are lists: groups of users, what is shown to anybody, the audit, and lists side by side."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from plimsoll import list_audit, list_evidence, refit
from plimsoll.collection import Collection
from plimsoll.errors import JobError
from plimsoll.ids import Ids
from plimsoll.job import Job, Lists, Task
from plimsoll.ranking import DEPTH, GRADED, RANKED
from plimsoll.report.list_words import in_short, verdicts
from plimsoll.report.listed import listed
from plimsoll.report.page import render
from plimsoll.report.terminal import terminal
from plimsoll.rows import Coded, Histories, Past, Rows
from plimsoll.schema import Column, Kind, Schema
from plimsoll.truth import Part, Truth
from plimsoll.variety import Shelf
from test_report import HOSTILE, Reader, bare, sample, trial

MODELS = ("ease", "popular")
LONG = "ab" * 2_500
FIGURES = {
    "ndcg@10": [0.20, 0.25, 0.30],
    "hit_rate@10": [0.5, 0.6, 0.7],
    "coverage@10": [0.012, 0.0142, 0.016],
    "popularity@10": [0.95, 0.97, 0.98],
    "novelty@10": [2.1, 2.345, 2.6],
}


def person(name: str = "12", events: int = 40) -> dict[str, Any]:
    """A user of whose next items ease has found one, and popular none."""
    return {
        "user": name,
        "events": events,
        "before": [f"Film {k}" for k in range(min(events, 8))],
        "due": 14,
        "next": [{"item": "Alien", "by": ["ease"]}, {"item": "Heat", "by": []}],
        "lists": {
            "ease": [{"item": "Alien", "found": True}, {"item": "Brazil", "found": False}],
            "popular": [{"item": "Casablanca", "found": False}],
        },
    }


def listing_run() -> dict[str, Any]:
    """A run of two families that recommends films, with all that is said of lists."""
    run = copy.deepcopy(sample())
    names = ("popular", "ease", "transitions")
    run["trials"] = [
        trial(k, name, "fits", 0.2 + 0.01 * k, (1e-4, 2e-4, 5e7, 1e6, 1.0), 1.0 * k) for k, name in enumerate(names)
    ]
    score = {"metric": "ndcg@10", "value": 0.25, "low": 0.2, "high": 0.3, "rows": 100}
    for each in run["trials"]:
        each["score"] = dict(score)
    groups = {
        "all": {"rows": 100, "figures": FIGURES},
        "warm": {"rows": 70, "figures": {**FIGURES, "ndcg@10": [0.1, 0.15, 0.2]}},
        "cold": {"rows": 30, "figures": {**FIGURES, "ndcg@10": [0.4, 0.45, 0.5], "coverage@10": [0.001, 0.001, 0.001]}},
    }
    spread = [0.0] * 8 + [0.05, 0.95]
    audit = {
        "split": "time",
        "other": "last",
        "test": {"rows": 100, "cold": 30, "ties": 4, "truths": 400, "items": 90, "unknown": 12, "shortened": 0},
        "order": {"kept": 0.08, "shuffled": 0.02, "low": 0.04, "high": 0.07, "carries": True},
        "families": [
            {
                "trial": "t1",
                "recipe": "ease",
                "here": score,
                "there": {**score, "value": 0.07, "low": 0.06, "high": 0.08},
            },
            {"trial": "t0", "recipe": "popular", "here": score, "there": None},
        ],
        "changes": {"here": "ease", "there": "transitions", "gain": [0.01, 0.02], "changes": True},
        "why": "No time was left for popular (12 s).",
    }
    return run | {
        "job": {"predict": "film", "task": "ranking", "metric": "ndcg@10", "split": "time", "lists": {"to": "user"}},
        "limits": [],
        "chosen": "t1",
        "reference": "t0",
        "test": score,
        "evidence": {
            "lists": {
                "items": 5_000,
                "models": {name: {"groups": groups, "spread": spread, "whole": True} for name in MODELS},
                "people": [person(), person("7", 0)],
                "audit": audit,
            }
        },
    }


def lists_of(run: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = run["evidence"]["lists"]
    return found


def hostile_lists() -> dict[str, Any]:
    """The same with names that are markup, far too long, or what a terminal would obey."""
    run = listing_run()
    told = lists_of(run)
    told["models"] = {HOSTILE: told["models"]["ease"], "x" * 300: told["models"]["popular"]}
    for user in told["people"]:
        user |= {
            "user": LONG,
            "before": [HOSTILE, LONG, "\x1b[2J\x00"],
            "lists": {HOSTILE: [{"item": LONG, "found": True}]},
        }
        user["next"] = [{"item": HOSTILE, "by": [HOSTILE]}]
    told["audit"] |= {"why": HOSTILE, "other": LONG, "split": HOSTILE}
    told["audit"]["changes"] |= {"here": HOSTILE, "there": LONG}
    told["audit"]["families"][0]["recipe"] = LONG
    return run


def empty_lists() -> dict[str, Any]:
    """One model alone, nobody known, nothing audited, and a list of nothing."""
    run = listing_run()
    told = lists_of(run)
    told["models"] = {
        "ease": {
            "groups": {"all": {"rows": 3, "figures": {}}, "warm": {"rows": 0, "figures": {}}},
            "spread": [0.0] * 10,
        }
    }
    told["audit"] = {"split": "time", "why": "The events are too many to part them anew."}
    told["people"] = [{"user": "1", "events": 0, "before": [], "due": 0, "next": [], "lists": {"ease": []}}]
    return run


def words(run: dict[str, Any]) -> str:
    """The text of the page."""
    return "".join(Reader(render(run)).texts).replace("\u00a0", " ")


@pytest.mark.parametrize("made", [listing_run, hostile_lists, empty_lists])
def test_the_page_of_lists_is_well_formed(made: Any) -> None:
    """Every element is closed, no id stands twice, and no name has become markup, however it is written."""
    reader = Reader(render(made()))
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert reader.open == []
    assert len(ids) == len(set(ids))
    assert {"lists", "people", "audit", "measures", "spread"} <= set(ids)
    names = [name for name, _ in reader.elements]
    assert names.count("script") == 2
    assert "img" not in names
    assert not [key for _, attributes in reader.elements for key in attributes if key.startswith("on")]


def test_a_run_of_rows_has_no_lists() -> None:
    """Where answers are no lists there is neither the section nor a link to it, and the job does not recommend."""
    assert listed(sample()) is None
    assert listed(bare()) is None
    assert 'href="#lists"' not in render(sample())
    assert "recommend film" in render(listing_run())


def test_each_group_of_users_has_its_table() -> None:
    """Everybody, those known before and new ones stand apart, with both models; where all are known, one table is enough."""
    run = listing_run()
    page = render(run)
    assert page.count('class="group"') == 3
    for said in ("100 users", "70 users", "30 users", "0.450", "0.150", "0.400–0.500", "2.35", "1.4 %", "1.2–1.6 %"):
        assert said in page, said
    for model in lists_of(run)["models"].values():
        model["groups"] = {
            **model["groups"],
            "warm": {"rows": 100, "figures": FIGURES},
            "cold": {"rows": 0, "figures": {}},
        }
    assert render(run).count('class="group"') == 1


def test_an_interval_without_width_is_not_written() -> None:
    """A list that all new users share covers what it covers: there is no interval to show."""
    page = render(listing_run())
    assert "0.1–0.1" not in page
    assert ">0.1 %</td>" in page


def test_a_model_has_one_hue_everywhere() -> None:
    """The hue of a family in the tables, the bars and the lists is that of its trials; the reference is grey."""
    reader = Reader(render(listing_run()))
    rows = {
        attributes["data-trial"]: attributes["class"]
        for name, attributes in reader.elements
        if name == "tr" and "data-trial" in attributes
    }
    own = (rows["t1"] or "").split()[-1]
    inked = [
        attributes["class"] or "" for _, attributes in reader.elements if "inked" in (attributes.get("class") or "")
    ]
    assert own.startswith("hue-")
    assert {words.split()[-1] for words in inked} == {own, "hue-rest"}
    assert f'<g class="{own}">' in render(listing_run())


def test_what_was_found_is_marked_for_eye_and_ear() -> None:
    """A found item has a tick and the word, and what came next has a dot of each model that found it, with its name."""
    page = render(listing_run())
    assert page.count('class="hit"') == 2
    assert '<span class="unseen">, found</span>' in page
    assert page.count('title="on the list of ease"') == 2
    assert 'title="on the list of popular"' not in page


def test_a_user_is_summed_up_in_the_fold() -> None:
    """The line of a user says how much is known and what each model found; who is new is called so."""
    people = words(listing_run())
    assert "40 events before · ease found 1 of 2 · popular found 0 of 1" in people
    assert "User 7new · ease found 1 of 2" in people
    assert "and 32 more" in people
    assert "and 12 more" in people
    assert "Nothing: new." in people


def test_the_first_user_is_open_and_the_others_are_not() -> None:
    """One is enough to see what there is."""
    page = render(listing_run()).split('id="people"')[1].split("</section>")[0]
    assert page.count("<details") == 2
    assert page.count(' open=""') == 1


def test_the_audit_is_told_in_sentences() -> None:
    """Whether the split picks the winner, and whether order says anything, stand above the table, on the page and in the terminal."""
    run = listing_run()
    said = verdicts(lists_of(run)["audit"])
    assert said[0] == "By the split last, transitions is measurably better than ease: the split picks the winner."
    assert said[1].startswith("The order of events carries signal: ")
    page, screen = words(run), " ".join(terminal(run).split())
    for line in said:
        assert line in page
        assert line in screen
    assert "30 of 100" in page
    assert "No time was left for popular (12 s)." in page
    lists_of(run)["audit"]["changes"] |= {"changes": False}
    assert "nothing is measurably better than ease" in verdicts(lists_of(run)["audit"])[0]
    lists_of(run)["audit"] |= {"changes": None, "order": None}
    assert verdicts(lists_of(run)["audit"]) == []


def test_the_terminal_tells_known_from_new() -> None:
    """A line says what is shown to anybody, and what the chosen model is worth for those who are known and for those who are not."""
    line = in_short(lists_of(listing_run()))
    assert (
        line
        == "Lists: 1.4 % of the items are shown to any of 100 users; ndcg@10 0.150 of 70 known before, 0.450 of 30 new."
    )
    assert line in " ".join(terminal(listing_run()).split())
    assert in_short({}) == in_short(lists_of(empty_lists())) == ""


def test_hostile_names_do_not_reach_the_terminal() -> None:
    """At most 30 lines, each within its width and without anything that a terminal obeys."""
    lines = terminal(hostile_lists(), width=90).split("\n")
    assert len(lines) <= 30
    assert all(len(line) <= 90 and line.isprintable() for line in lines)


def test_a_model_that_saw_less_is_said_to_have() -> None:
    """Two models side by side are of the same events, or the page says which is not."""
    run = listing_run()
    assert "as it was tried" not in render(run)
    lists_of(run)["models"]["popular"]["whole"] = False
    assert "popular is as it was tried" in render(run)
    lists_of(run)["models"]["ease"]["whole"] = False
    assert "as it was tried" not in render(run)


JOB = Job("film", lists=Lists("who"), task=Task.RANKING)
TITLES = ("Alien", "", LONG, "a\x1b[2Jb", "Heat", "Brazil")


def shelf(titles: tuple[str, ...] = TITLES) -> Collection:
    """Six films by letters, with titles."""
    schema = Schema((Column("genre", Kind.CATEGORY), Column("title", Kind.TEXT)), "film")
    genres = Coded(np.zeros(6, dtype=np.int32), ("drama",))
    named = Coded(np.array([titles.index(each) for each in titles], dtype=np.int32), titles)
    return Collection(Ids.of("abcdef"), Rows(6, {"genre": genres, "title": named}), schema)


def part(histories: list[list[int]], due: list[list[int]]) -> Part:
    """Users with histories, and what they came to next."""
    told = Histories.of([Past.of(each) for each in histories], 6)
    truth = np.zeros((len(due), max(map(len, due))), dtype=GRADED)
    truth["item"] = -1
    for row, items in enumerate(due):
        truth["item"][row, : len(items)], truth["grade"][row, : len(items)] = items, 1
    counts = np.array([9, 5, 4, 3, 2, 1])
    held = Truth(truth, {}, shelf=Shelf(counts, 9, np.eye(6, dtype=np.float32)))
    return Part(Rows(len(due), {"who": told}), held)


def answers(items: list[list[int]]) -> np.ndarray[Any, Any]:
    found = np.zeros((len(items), DEPTH), dtype=RANKED)
    found["item"] = -1
    for row, each in enumerate(items):
        found["item"][row, : len(each)] = each
    return found


def test_people_are_those_who_are_known_with_a_few_who_are_not() -> None:
    """Of many new users two are shown, for all get the same list; where nobody is known, eight new ones are."""
    for known, new, due in ((30, 60, (6, 2)), (3, 60, (3, 5)), (0, 60, (0, 8)), (60, 0, (8, 0)), (1, 1, (1, 1))):
        rows = [[0]] * known + [[]] * new
        some = part(rows, [[1]] * len(rows))
        shown = list_evidence.people(JOB, some, {"ease": answers([[1]] * len(rows))}, shelf(), range(len(rows)))
        assert sum(each["events"] > 0 for each in shown) == due[0]
        assert sum(each["events"] == 0 for each in shown) == due[1]


def test_what_came_next_says_who_found_it() -> None:
    """The lists and what came next are marked from the same truth; an empty list finds nothing and is no fault."""
    some = part([[0, 4]], [[1, 5]])
    (user,) = list_evidence.people(JOB, some, {"ease": answers([[5, 3]]), "none": answers([[]])}, shelf(), ["me"])
    assert user["before"] == ["Heat", "Alien"]
    assert user["next"] == [{"item": "b", "by": []}, {"item": "Brazil", "by": ["ease"]}]
    assert [each["found"] for each in user["lists"]["ease"]] == [True, False]
    assert user["lists"]["none"] == []
    assert user["due"] == 2


def test_an_item_is_called_by_a_title_that_can_be_read() -> None:
    """A title that is empty gives way to the id; one without end is cut, and one with control characters is cleaned."""
    some = part([[0, 1, 2, 3]], [[4]])
    (user,) = list_evidence.people(JOB, some, {}, shelf(), [LONG])
    clean, cut, idle, title = user["before"]
    assert (clean, idle, title) == ("a�[2Jb", "b", "Alien")
    assert len(cut) == len(user["user"]) == 120


def test_titles_that_do_not_tell_items_apart_are_not_names() -> None:
    """Where half of the items share a title, ids are what tells them apart."""
    alike = shelf()
    schema = Schema((Column("genre", Kind.CATEGORY),), "film")
    some = part([[0, 4]], [[4]])
    (user,) = list_evidence.people(
        JOB, some, {}, Collection(alike.ids, Rows(6, {"genre": alike.rows.columns["genre"]}), schema), ["me"]
    )
    assert user["before"] == ["e", "a"]


def test_all_that_is_told_can_be_written_and_shown() -> None:
    """From lists to the page: figures of each group that is large enough, the spread, and people; nothing is not a number."""
    rows = 20
    some = part([[0]] * 12 + [[]] * 8, [[1]] * rows)
    told = list_evidence.told(
        JOB, some, {"ease": answers([[1, 2]] * rows), "none": answers([[]] * rows)}, shelf(), range(rows)
    )
    assert told["items"] == 6
    assert told["models"]["ease"]["groups"]["cold"]["rows"] == 8
    assert told["models"]["ease"]["groups"]["all"]["figures"]["hit_rate@10"][1] == 1.0
    assert told["models"]["none"]["spread"] == [0.0] * 10
    assert "novelty@10" not in told["models"]["none"]["groups"]["all"]["figures"]
    run = listing_run()
    run["evidence"]["lists"] = told
    reader = Reader(render(run))
    assert reader.open == []
    assert not [text for text in reader.texts if text.strip() == "nan"]


def test_a_slow_family_keeps_no_other_from_its_audit(monkeypatch: pytest.MonkeyPatch) -> None:
    """With time for one of two families, the one that fits in is fitted, and the other is named with its seconds."""
    slow, quick = (SimpleNamespace(id=name, recipe=name) for name in ("ease", "popular"))
    search: Any = SimpleNamespace(
        job=SimpleNamespace(split="time", score="ndcg@10"),
        asked=SimpleNamespace(parted={}, other=SimpleNamespace(taught=[1], part=[1], split="last")),
        clock=SimpleNamespace(spent=0.0, left=10.0),
        walls={"ease": 60.0, "popular": 1.0},
        folder=Path("work"),
        trials=[],
        cpu=0.0,
    )
    begun: list[str] = []

    class Crew:
        def each(self, following: Any) -> Any:
            while following() is not None:
                begun.append("one")
            return iter(())

    monkeypatch.setattr(list_audit, "_best", lambda _: [slow, quick])
    monkeypatch.setattr(list_audit, "_order", lambda _: None)
    monkeypatch.setattr(list_audit, "store_folds", lambda *_: None)
    monkeypatch.setattr(list_audit, "_row", lambda trial, score: {"recipe": trial.recipe, "score": score})
    told = list_audit.audit(search, Crew(), "ease", 10.0, lambda *_: None)  # type: ignore[arg-type]
    assert begun == ["one"]
    assert told["why"] == "No time was left for ease (1.35 min)."


@pytest.mark.parametrize(
    ("whole", "seconds", "limits", "done", "due"),
    [
        (True, 60.0, {}, True, True),
        (False, 60.0, {}, True, False),
        (True, 1.0, {}, True, False),
        (True, 60.0, {"cpu": 30.0}, True, False),
        (True, 60.0, {}, False, False),
    ],
)
def test_the_second_model_is_of_the_same_events_where_it_can_be(
    monkeypatch: pytest.MonkeyPatch, whole: bool, seconds: float, limits: dict[str, float], done: bool, due: bool
) -> None:
    """It is fitted on all rows where the chosen one is, time allows it, no limit forbids it and it comes to an end; else it is
    as it was tried, and that is said."""
    outcome = SimpleNamespace(done=done, cut=False, members=dict)
    monkeypatch.setattr(refit, "_fitted", lambda *_: outcome)
    monkeypatch.setattr(refit.bundle, "read", lambda path: f"as tried {path.parent.name}")
    search: Any = SimpleNamespace(
        job=SimpleNamespace(limits=limits),
        walls={"t3": 5.0},
        settled={},
        folder=Path("work"),
        judge=SimpleNamespace(bundled=lambda *_: "fitted again"),
    )
    second: Any = SimpleNamespace(id="t3", recipe="ease")
    crew: Any = None
    assert refit.beside(search, crew, second, whole, seconds) == (
        ("fitted again", True) if due else ("as tried t3", False)
    )


@pytest.mark.parametrize(
    ("metric", "said"),
    [("coverage@10", "a list of what nobody wants may have the best there is"), ("ndgc@10", 'Did you mean "ndcg@10"?')],
)
def test_a_metric_that_cannot_choose_lists_says_why(metric: str, said: str) -> None:
    """What is shown cannot choose, and a slip of the pen is answered with measures of lists."""
    with pytest.raises(JobError, match=re.escape(said)):
        Job("film", lists=Lists("who"), task=Task.RANKING, metric=metric)
