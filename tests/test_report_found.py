"""The report of a search: figures, whether models can be told apart, every query as a bar, and lists side by side."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from plimsoll.report.found import found
from plimsoll.report.found_chart import gap_chart
from plimsoll.report.found_sides import grade, marked
from plimsoll.report.found_words import in_short, verdicts
from plimsoll.report.page import render
from plimsoll.report.terminal import terminal
from test_report import HOSTILE, Reader, bare, sample
from test_report_lists import LONG, listing_run

NAMES = ("lsa", "bm25")
FIGURES = {"ndcg@10": [0.35, 0.41, 0.47], "recall@100": [0.7, 0.75, 0.8], "judged@10": [0.3, 0.34, 0.38]}
TITLES = ("Lift of wings", "Heat in wings", "", "Of flow", "Flow over wings")


def hit(at: int, value: float | None, places: dict[str, int], **more: Any) -> dict[str, Any]:
    return {"at": at, "grade": value, "places": places, **more}


def asked(text: str, lsa: float | None, bm25: float | None, *kinds: str, lists: bool = True) -> dict[str, Any]:
    """A query of which the one model finds a document of grade 3 that the other has deep down, and neither finds the fifth."""
    sides = {
        "lsa": [
            hit(0, 3.0, {"bm25": 40}, marks=[[8, 13]], why=[["wing", 2.5], ["lift", -0.5]], rest=0.25),
            hit(1, 0.0, {"bm25": 1}),
        ],
        "bm25": [hit(1, 0.0, {"lsa": 2}), hit(2, None, {})],
    }
    shown = {"sides": sides, "missed": [hit(4, 1.0, {"bm25": 60})], "unseen": 3} if lists else {}
    return {"text": text, "due": 5, "values": {"lsa": lsa, "bm25": bm25}, "kinds": list(kinds), **shown}


def told() -> dict[str, Any]:
    test = {"one": "lsa", "other": "bm25", "queries": 4, "wins": 1, "ties": 1, "losses": 2, "difference": 0.05}
    test |= {"low": 0.01, "high": 0.09, "p": 0.012, "adjusted": 0.012, "exact": True}
    return {
        "measure": "ndcg@10",
        "made": False,
        "queries": 5,
        "known": 4,
        "documents": 1_400,
        "grades": 4.0,
        "models": {name: {"figures": FIGURES, "whole": True} for name in NAMES},
        "tests": [test],
        "asked": [
            asked("lift of swept wings", 0.9, 0.3, "win"),
            asked("what Kármán vortices do", 0.25, 0.25, lists=False),
            asked("heat at the nose", 0.2, 0.4, "loss"),
            asked("heat of a blunt body", 0.1, 0.5, "loss", "worst"),
            asked("nobody knows", None, None),
        ],
        "shelf": [{"id": f"d{k}", "title": title} for k, title in enumerate(TITLES)],
        "counted": {"queries": 225, "judgements": 1_837, "negative": 225},
    }


def finding_run() -> dict[str, Any]:
    """A run that searches, with all that is said of its test queries."""
    run = listing_run()
    for each, name in zip(run["trials"], ("bm25", "lsa", "bm25_fields"), strict=True):
        each["recipe"] = name
    return run | {"evidence": {"found": told()}, "job": {"predict": "doc", "task": "ranking", "metric": "ndcg@10"}}


def made_run() -> dict[str, Any]:
    """The same with queries that were made of the documents."""
    run = finding_run()
    run["evidence"]["found"]["made"] = True
    return run


def lonely_search() -> dict[str, Any]:
    """One model alone, and one query of which nothing is known."""
    run = finding_run()
    mine = run["evidence"]["found"]
    mine |= {"models": {"bm25": {"figures": {}}}, "tests": [], "counted": {}, "shelf": [], "queries": 1, "known": 0}
    empty = {"text": "x", "due": 0, "values": {"bm25": None}, "kinds": [], "sides": {"bm25": []}, "missed": []}
    mine["asked"] = [empty | {"unseen": 0}]
    return run


def hostile_search() -> dict[str, Any]:
    """Names, queries, ids, titles and terms that are markup, far too long, or what a terminal would obey."""
    run = finding_run()
    mine = run["evidence"]["found"]
    for names in (mine["models"], *(each["values"] for each in mine["asked"])):
        names[HOSTILE], names["x" * 300] = names.pop("lsa"), names.pop("bm25")
    mine["tests"][0] |= {"one": HOSTILE, "other": "\x1b[2J" + LONG}
    for each in mine["asked"]:
        each["text"] = HOSTILE + LONG
        if "sides" in each:
            each["sides"] = {HOSTILE: each["sides"]["lsa"], "x" * 300: each["sides"]["bm25"]}
            for side in each["sides"].values():
                side[0] |= {"why": [[HOSTILE, 1.0], [LONG, 0.5]], "places": {HOSTILE: 3}, "marks": [[0, 2], [1, 9_999]]}
    mine["shelf"] = [{"id": LONG, "title": HOSTILE}] * 3 + [{"id": HOSTILE, "title": LONG}] * 2
    mine["counted"] = {HOSTILE: 3}
    return run


def words(run: dict[str, Any]) -> str:
    """The text of the page."""
    return "".join(Reader(render(run)).texts).replace("\u00a0", " ")


@pytest.mark.parametrize("made", [finding_run, made_run, hostile_search, lonely_search])
def test_the_page_of_a_search_is_well_formed(made: Any) -> None:
    """Every element is closed, no id stands twice, every link leads somewhere, and no name has become markup."""
    reader = Reader(render(made()))
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    links = [attributes["href"] for _, attributes in reader.elements if "href" in attributes]
    assert reader.open == []
    assert len(ids) == len(set(ids))
    assert {"found", "found-figures", "queries", "sides", "seek"} <= set(ids)
    assert [link for link in links if link is None or link.removeprefix("#") not in ids] == []
    names = [name for name, _ in reader.elements]
    assert names.count("script") == 2
    assert not {"img", "iframe"} & set(names)
    assert not [key for _, attributes in reader.elements for key in attributes if key.startswith("on")]


def test_a_run_without_queries_has_no_such_section() -> None:
    """Where nothing was searched there is neither the section nor a link to it."""
    for run in (sample(), bare(), listing_run()):
        assert found(run) is None
        assert 'id="found"' not in render(run)
    assert 'href="#found"' in render(finding_run())


def test_figures_stand_with_their_intervals_and_what_counts() -> None:
    """A row for each measure, what nobody judged is said to count as not relevant, and queries in no figure are counted."""
    said = words(finding_run())
    for part in ("0.410", "0.350–0.470", "0.340", "Over 4 queries of 5", "1,400 documents"):
        assert part in said, part
    assert "What nobody judged counts as not relevant" in said
    assert "judgements with a grade below 0, taken for 0225 of 1,837" in said
    run = finding_run()
    run["evidence"]["found"]["models"]["bm25"]["whole"] = False
    assert "bm25 is as it was tried" in words(run)
    assert "as it was tried" not in said


def test_whether_models_can_be_told_apart_is_a_sentence() -> None:
    """Better, worse or not to be told, with the difference, its interval and p, on the page and in the terminal."""
    run = finding_run()
    (line,) = verdicts(run["evidence"]["found"])
    assert (
        line
        == "lsa is measurably better than bm25: ndcg@10 +0.050 (95 % +0.010 to +0.090, p = 0.012). Over 4 queries better on 1, worse on 2, the same on 1."
    )
    assert line in words(run)
    assert line in " ".join(terminal(run).split())
    test = run["evidence"]["found"]["tests"][0]
    for change, due in (
        ({"adjusted": 0.06}, "lsa cannot be told from bm25"),
        ({"difference": -0.05}, "lsa is measurably worse than bm25"),
        ({"adjusted": 1e-5}, "p < 0.001"),
    ):
        assert due in verdicts({"measure": "ndcg@10", "tests": [{**test, **change}]})[0]


def test_made_queries_are_said_to_be_made_beside_every_figure() -> None:
    """The headline, each head of a table and each part of the section say it; judged queries never are called made."""
    page = render(made_run())
    section = page.split('id="found-all"')[1].split("</section>")[0]
    assert "made test queries" in words(made_run()).split("What it finds")[0]
    assert len(re.findall(r"<h3>[^<]*<small>made queries</small>", section)) == 3
    assert len(re.findall(r"<th[^>]*><span[^>]*>(?:lsa|bm25)</span><small>made queries</small>", section)) == 2
    assert "they favour what matches words" in words(made_run())
    assert "Over 4 made queries better on" in words(made_run())
    assert "What nobody judged" not in words(made_run())
    assert "made of the documents" not in words(finding_run())
    assert "made queries" not in words(finding_run())
    assert "made test queries" in " ".join(terminal(made_run()).split())


def test_a_query_is_a_bar_in_the_hue_of_who_is_ahead() -> None:
    """What is known has a bar from left to right, which leads to its lists where there are some, and says both figures."""
    chart = gap_chart(told()["asked"], NAMES, "ndcg@10", {"lsa": "hue-1", "bm25": "hue-2"})
    assert chart is not None
    bars = re.findall(r'<(a|g)((?: href="[^"]*")?) class="gap (hue-\d)"', chart)
    assert [(name, hue) for name, _, hue in bars] == [("a", "hue-1"), ("g", "hue-1"), ("a", "hue-2"), ("a", "hue-2")]
    assert [link for _, link, _ in bars] == [' href="#query-0"', "", ' href="#query-2"', ' href="#query-3"']
    assert "lift of swept wings: ndcg@10 lsa 0.900, bm25 0.300 (+0.600)" in chart
    heights = [float(each) for each in re.findall(r'height="([\d.]+)" class="tenth"', chart)]
    assert heights[0] > heights[3] > heights[2] > heights[1] > 0
    assert gap_chart([asked("x", None, None)], NAMES, "ndcg@10", {}) is None
    assert gap_chart([asked("x", 0.5, 0.5)], NAMES, "ndcg@10", {}) is not None


def test_bars_stand_on_the_side_of_who_is_ahead() -> None:
    """A gain rises from the line of no difference, and a loss hangs from it."""
    chart = str(gap_chart(told()["asked"], NAMES, "ndcg@10", {}))
    line = float(re.findall(r'y1="([\d.]+)" y2="\1" class="axis"', chart)[0])
    tops = [float(each) for each in re.findall(r'y="([\d.]+)" width="[\d.]+" height="[\d.]+" class="tenth"', chart)]
    assert tops[0] < line - 50
    assert tops[2] == tops[3] == pytest.approx(line)


def test_queries_can_be_picked_by_who_is_ahead() -> None:
    """The table has a row for every query, and a button for each kind with how many there are."""
    page = render(finding_run())
    table = page.split('id="queries"')[1].split('id="sides"')[0]
    assert re.findall(r'<label for="of-(\w+)">([^<]+)<', table) == [
        ("all", "all 5"),
        ("win", "better 1"),
        ("loss", "worse 2"),
        ("tie", "the same 1"),
    ]
    assert re.findall(r'<tr class="of-(\w+)"', table) == ["win", "tie", "loss", "loss", "none"]
    assert 'id="of-all"' not in render(lonely_search())


def test_lists_stand_in_groups_each_query_once() -> None:
    """Gains, losses and the least found; who is a loss and the least is told among the losses, the largest first."""
    sides = render(finding_run()).split('id="sides"')[1].split("</section>")[0]
    heads = re.findall(r"The largest gains|The largest losses|The least found|More queries", sides)
    assert heads == ["The largest gains", "The largest losses", "More queries"]
    assert re.findall(r'data-query="(\d)"', sides) == ["0", "3", "2", "4"]


def test_a_hit_has_its_grade_its_place_elsewhere_and_why() -> None:
    """Strokes for the grade with words for the ear, the other model's place, marked words, and the parts of the score."""
    sides = render(finding_run()).split('id="sides"')[1].split("</section>")[0]
    said = words(finding_run()).split("Lists side by side")[1]
    assert 'title="grade 3"' in sides
    assert "bm25: place 40" in said
    assert "lsa: not found" in said
    assert "Lift of <mark>wings</mark>" in sides
    assert "because of wing 2.5 − lift 0.5 + others 0.25" in said
    assert "Relevant, among none of these" in said
    assert "and 2 more" in said
    assert 'title="not judged"' in sides
    assert sides.count('class="hit"') == 2 * 4


def test_a_mark_of_a_grade_has_as_many_strokes_as_it_is_high() -> None:
    """Of many grades five strokes are the most, what is relevant has one at least, and 0 and below are none."""
    strokes = [grade(value, 4.0).count('class="part"') for value in (4.0, 3.0, 1.0, 0.0, -1.0)]
    assert strokes == [4, 3, 1, 0, 0]
    assert [grade(value, 100.0).count('class="part"') for value in (100.0, 40.0, 1.0)] == [5, 2, 1]
    assert "not relevant" in grade(-1.0, 4.0)
    assert "svg" not in grade(None, 4.0)


def test_marks_never_lose_a_letter() -> None:
    """Stretches that overlap, turn back or end beyond the text leave the text as it is."""
    for marks in ([(0, 2), (1, 4)], [(3, 3)], [(4, 2)], [(2, 99)], [(6, 9)], []):
        assert re.sub("</?(bdi|mark)>", "", marked("wings", marks)) == "wings"


def test_the_terminal_says_what_a_search_finds() -> None:
    """One line with the figure that chose, what is found deep down, and how much of it was judged."""
    line = in_short(told())
    assert line == "Search: ndcg@10 0.410, recall@100 0.750 over 4 queries; 34 % of the first ten were judged."
    assert line in " ".join(terminal(finding_run()).split())
    assert in_short({}) == in_short(lonely_search()["evidence"]["found"]) == ""
    lines = terminal(hostile_search(), width=90).split("\n")
    assert len(lines) <= 30
    assert all(len(line) <= 90 and line.isprintable() for line in lines)


def test_evidence_is_shown_as_it_was_told() -> None:
    """What the kernel tells of a search is what the page reads."""
    from test_found_evidence import small

    run = finding_run()
    run["evidence"]["found"] = copy.deepcopy(small())
    reader = Reader(render(run))
    assert reader.open == []
    assert not [text for text in reader.texts if "nan" in text.split()]
    assert "lifting wings" in words(run)
