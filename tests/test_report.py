"""The report: one file, nothing from outside, and no name in the data can become markup."""

from __future__ import annotations

import copy
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from plimsoll.report.hues import painted
from plimsoll.report.load_line import depths, frontier, shown_trial
from plimsoll.report.notebook import html
from plimsoll.report.page import render, write
from plimsoll.report.terminal import terminal

HOSTILE = "</script><img src=x onerror=\"alert(1)\"> 'q' \u2028 $title ${style} <!--"


def trial(
    number: int, recipe: str, status: str, value: float | None, costs: tuple[float, ...], started: float, **more: Any
) -> dict[str, Any]:
    """One trial; costs are p50, p99, memory, size and train."""
    names = ("p50", "p99", "memory", "size", "train")
    ran = status != "ruled_out"
    figures = dict(zip(names, costs, strict=True)) if value is not None else {"train": costs[-1]} if ran else {}
    if value is not None:
        figures |= {"cpu": costs[-1] * 3.6, "cold_start": 0.31, "energy": [costs[-1] * 20, costs[-1] * 55]}
    return {
        "id": f"t{number}",
        "recipe": recipe,
        "knobs": more.get("knobs", {}),
        "status": status,
        "why": more.get("why", ""),
        "score": {"metric": "macro_f1", "value": value, "low": value - 0.011, "high": value + 0.010, "rows": 2400}
        if value is not None
        else None,
        "measured": figures,
        "predicted": {name: [cost * 0.7, cost, cost * 1.5] for name, cost in zip(names, costs, strict=True)}
        if number
        else {},
        "breaches": more.get("breaches", []),
        "share": more.get("share", 1.0),
        "started": started,
        "notes": more.get("notes", []),
    }


def sample() -> dict[str, Any]:
    """A run of 14 trials that predicts a topic from mixed columns."""
    mb = 1e6
    trials = [
        trial(0, "constant", "fits", 0.107, (3.1e-5, 6.0e-5, 41 * mb, 1.2e3, 0.4), 0.2),
        trial(
            1,
            "tabular_linear",
            "fits",
            0.842,
            (2.4e-4, 5.1e-4, 58 * mb, 0.41 * mb, 6.2),
            0.8,
            knobs={"l2": 0.01, "text_words": 20000},
        ),
        trial(
            2,
            "tabular_linear",
            "fits",
            0.851,
            (3.3e-4, 6.4e-4, 66 * mb, 1.3 * mb, 9.8),
            7.4,
            knobs={"l2": 0.001, "text_words": 60000},
        ),
        trial(
            3,
            "gradient_boosting",
            "fits",
            0.828,
            (4.1e-4, 8.2e-4, 79 * mb, 2.2 * mb, 4.1),
            17.6,
            knobs={"leaves": 31, "trees": 100},
            share=0.25,
            notes=["probe"],
        ),
        trial(
            4,
            "gradient_boosting",
            "fits",
            0.884,
            (6.2e-4, 1.24e-3, 92 * mb, 4.9 * mb, 21.4),
            22.0,
            knobs={"leaves": 31, "trees": 400, "learning_rate": 0.06},
        ),
        trial(
            5,
            "gradient_boosting",
            "fits",
            0.889,
            (9.0e-4, 1.83e-3, 118 * mb, 11.8 * mb, 38.0),
            43.9,
            knobs={"leaves": 63, "trees": 700, "learning_rate": 0.04},
        ),
        trial(
            6,
            "gradient_boosting",
            "breaches",
            0.893,
            (1.5e-3, 3.1e-3, 171 * mb, 29 * mb, 51.0),
            82.3,
            knobs={"leaves": 127, "trees": 1200, "learning_rate": 0.03},
            breaches=["p99 < 2 ms: 3.1 ms", "memory < 150 MB: 171 MB", "size < 20 MB: 29 MB"],
        ),
        trial(
            7,
            "random_forest",
            "breaches",
            0.861,
            (2.6e-3, 5.4e-3, 240 * mb, 88 * mb, 17.3),
            133.7,
            knobs={"trees": 300},
            breaches=["p99 < 2 ms: 5.4 ms"],
        ),
        trial(8, "nearest_neighbours", "fits", 0.803, (7.4e-4, 1.5e-3, 140 * mb, 61 * mb, 1.1), 151.3, knobs={"k": 15}),
        trial(
            9,
            "mlp",
            "fits",
            0.872,
            (2.9e-4, 7.2e-4, 74 * mb, 1.9 * mb, 44.0),
            152.6,
            knobs={"width": 128, "depth": 2, "dropout": 0.1},
        ),
        trial(
            10,
            "mlp",
            "killed",
            None,
            (4e-4, 9e-4, 90 * mb, 5 * mb, 41.0),
            197.0,
            knobs={"width": 512, "depth": 4},
            why="outgrew its 40 s",
        ),
        trial(
            11,
            "text_bytes",
            "failed",
            None,
            (5e-4, 1.1e-3, 88 * mb, 3 * mb, 3.0),
            238.4,
            why="TrialError: probabilities do not add up to 1 on 3 rows",
        ),
        trial(
            12,
            "transformer_small",
            "ruled_out",
            None,
            (7e-3, 1.6e-2, 610 * mb, 92 * mb, 900.0),
            0.0,
            why="predicted p99 of 11.2 ms at the least, over p99 < 2 ms",
        ),
        trial(
            13,
            "transformer_tiny",
            "ruled_out",
            None,
            (2.1e-3, 4.2e-3, 230 * mb, 31 * mb, 420.0),
            0.0,
            why="predicted train of 294 s at the least leaves no time",
        ),
    ]
    limits = [
        ("p99", "<", 0.002, "p99 < 2 ms"),
        ("memory", "<", 150e6, "memory < 150 MB"),
        ("train", "<", 300.0, "train < 5 min"),
        ("energy", "<", 40e3, "energy < 40 kJ"),
        ("macro_f1", ">", 0.85, "macro_f1 > 0.85"),
        ("size", "<", 20e6, "size < 20 MB"),
    ]
    classes = ["world", "sport", "business", "science", "health", "culture"]
    return {
        "job": {
            "predict": "topic",
            "task": "multiclass",
            "metric": "macro_f1",
            "split": "time:published",
            "seed": 7,
            "choose": "cheapest",
        },
        "limits": [{"name": name, "side": side, "bound": bound, "text": text} for name, side, bound, text in limits],
        "machine": {
            "processor": "8 cores, 2.9 GHz",
            "memory": "31 GB",
            "system": "Linux 6.8",
            "python": "3.11.9",
            "numpy": "2.1.3",
        },
        "trials": trials,
        "chosen": "t4",
        "test": {"metric": "macro_f1", "value": 0.8812, "low": 0.8691, "high": 0.8934, "rows": 3120},
        "warnings": [
            "headline: 112 rows of the test set occur word for word among the training rows; they were left out of the test.",
            "author_id: 41 % of the values occur once; the column was kept as text.",
        ],
        "evidence": {
            "per_class": [
                {
                    "class": name,
                    "precision": 0.93 - 0.03 * i,
                    "recall": 0.95 - 0.045 * i,
                    "f1": 0.94 - 0.037 * i,
                    "support": 900 - 130 * i,
                }
                for i, name in enumerate(classes)
            ],
            "slices": [
                {"column": "source", "value": value, "rows": rows, "score": score, "overall": 0.8812}
                for value, rows, score in [
                    ("radio", 88, 0.744),
                    ("agency", 301, 0.812),
                    ("blog", 412, 0.851),
                    ("print", 980, 0.876),
                ]
            ],
            "calibration": [
                {
                    "predicted": (i + 0.5) / 10,
                    "observed": min(1, (i + 0.5) / 10 * (0.88 + 0.015 * i)),
                    "rows": 60 + 55 * i,
                }
                for i in range(10)
            ],
            "calibration_error": 0.0213,
        },
        "reproduce": [
            "plimsoll fit news.csv --predict topic --split time:published --seed 7 \\",
            '  --limit "p99 < 2 ms, memory < 150 MB, train < 5 min"',
            "plimsoll 0.1.0, numpy 2.1.3, lightgbm 4.5.0",
            "news.csv sha256 9f2b…c41d, 24,118 rows",
        ],
        "why": "gradient_boosting t4 is the cheapest model that is not measurably worse than the best one that fits (t5, by 0.005, 95 % interval −0.002 to 0.012).",
        "elapsed": 243.1,
        "reference": "t0",
    }


def regression() -> dict[str, Any]:
    run = copy.deepcopy(sample())
    for each in run["trials"]:
        if each["score"]:
            value = 8 - 6 * each["score"]["value"]
            each["score"] = {"metric": "rmse", "value": value, "low": value - 0.08, "high": value + 0.09, "rows": 2400}
    run["job"] |= {"predict": "price", "task": "regression", "metric": "rmse"}
    run["limits"][4] = {"name": "rmse", "side": "<", "bound": 3.0, "text": "rmse < 3"}
    run["test"] = {"metric": "rmse", "value": 2.71, "low": 2.62, "high": 2.80, "rows": 3120}
    counts = [2, 6, 19, 51, 120, 260, 480, 640, 610, 440, 260, 130, 60, 28, 10, 4]
    residuals = {"edges": [-8 + i for i in range(17)], "counts": counts}
    run["evidence"] = {"coverage": {"stated": 0.9, "observed": 0.905, "radius": 4.4}, "residuals": residuals}
    return run


def nothing_fits() -> dict[str, Any]:
    run = copy.deepcopy(sample())
    run["trials"] = [each for each in run["trials"] if each["status"] != "fits"]
    return run | {
        "chosen": None,
        "test": None,
        "evidence": {},
        "why": "No model met p99 < 2 ms. Nearest: gradient_boosting at 3.1 ms. Raise p99 to 3.2 ms.",
        "reference": None,
    }


def bare() -> dict[str, Any]:
    return {"job": {}, "limits": [], "machine": {}, "trials": [], "chosen": None, "test": None, "warnings": []}


def hostile() -> dict[str, Any]:
    run = copy.deepcopy(sample())
    run["job"] |= {"predict": HOSTILE, "split": f"time:{HOSTILE}"}
    run["limits"].append(
        {"name": f"accuracy[{HOSTILE}=1]", "side": ">", "bound": 0.5, "text": f"accuracy[{HOSTILE}=1] > 0.5"}
    )
    run["machine"][HOSTILE] = HOSTILE
    run["warnings"] = run["reproduce"] = [HOSTILE]
    run["why"] = HOSTILE
    run["evidence"]["per_class"][0]["class"] = HOSTILE
    run["evidence"]["slices"][0] |= {"column": HOSTILE, "value": HOSTILE}
    for each in run["trials"]:
        each |= {
            "recipe": HOSTILE,
            "why": HOSTILE,
            "knobs": {HOSTILE: HOSTILE},
            "notes": [HOSTILE],
            "id": each["id"] + HOSTILE,
        }
    return run | {"chosen": f"t4{HOSTILE}"}


class Reader(HTMLParser):
    """What a browser would see: every element with its attributes, and every text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "br", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def ids(self) -> set[str | None]:
        return {attributes.get("id") for _, attributes in self.elements}


def test_every_section_is_on_the_page() -> None:
    """A full run shows the choice, the frontier, all trials, the evidence, the timeline, the warnings and how to repeat it."""
    ids = Reader(render(sample())).ids
    assert {
        "headline",
        "frontier",
        "trials",
        "classes",
        "slices",
        "calibration",
        "timeline",
        "warnings",
        "reproduce",
    } <= ids
    assert {"chart-p50", "chart-p99", "chart-memory", "chart-size", "chart-train"} <= ids


@pytest.mark.parametrize(
    "run",
    [sample(), regression(), nothing_fits(), bare(), hostile()],
    ids=["sample", "regression", "nothing fits", "bare", "hostile"],
)
def test_the_page_is_well_formed(run: dict[str, Any]) -> None:
    """Every element that is opened is closed in its place, and no id stands twice."""
    reader = Reader(render(run))
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert reader.open == []
    assert len(ids) == len(set(ids))


def test_a_hostile_name_stays_text() -> None:
    """A class, a column, a recipe or a warning that is written as markup adds no element and no handler."""
    reader = Reader(render(hostile()))
    names = [name for name, _ in reader.elements]
    assert names.count("script") == 2
    assert "img" not in names
    assert not [key for _, attributes in reader.elements for key in attributes if key.startswith("on")]
    assert any(HOSTILE in text for text in reader.texts)


def test_the_embedded_json_cannot_end_its_element() -> None:
    """Between the tags of the embedded JSON there is no angle bracket and no line separator, and it still says the same."""
    found = re.search(r'<script type="application/json" id="cards">(.*?)</script>', render(hostile()), re.S)
    assert found is not None
    assert not set("<>&\u2028\u2029") & set(found[1])
    assert json.loads(found[1])[f"t4{HOSTILE}"]["recipe"] == HOSTILE


def test_the_page_needs_no_network() -> None:
    """No address, no import and no linked file is in the page, and its policy forbids all but its own script and style."""
    page = render(sample()) + render(regression())
    assert not re.search(r"https?://", page.replace("http://www.w3.org/2000/svg", ""))
    assert not re.search(r"@import|url\(|<link|\ssrc=", page)
    assert "default-src 'none'" in page


def test_the_policy_allows_the_style_and_script_that_are_there() -> None:
    """The hashes in the policy are those of the text between the tags, so a browser runs them and nothing else."""
    import base64
    import hashlib

    page = render(sample())
    for pattern in (r"<style>(.*?)</style>", r"<script>(.*?)</script>"):
        inside = re.search(pattern, page, re.S)
        assert inside is not None
        assert base64.b64encode(hashlib.sha256(inside[1].encode()).digest()).decode() in page
    assert not re.search(r"<[^>]+\sstyle=", page)


def test_a_page_without_evidence_is_whole() -> None:
    """A run whose evidence is absent shows the rest, and no empty section."""
    run = sample()
    del run["evidence"], run["reproduce"], run["elapsed"]
    ids = Reader(render(run)).ids
    assert {"headline", "frontier", "trials", "timeline", "warnings"} <= ids
    assert not {"evidence", "classes", "calibration", "coverage"} & ids


def test_a_regression_shows_coverage_and_residuals() -> None:
    """For a number, the page shows how often its interval held, and the residuals."""
    page = render(regression())
    assert "held 90.5 %" in page
    assert "Histogram of residuals" in page
    assert "lower is better" in page


def test_where_nothing_fits_the_nearest_is_shown() -> None:
    """With no model that fits, the page and the terminal name the nearest one and how far it is over the line."""
    run = nothing_fits()
    near = shown_trial(run)
    assert near is not None
    assert near["id"] == "t6"
    for text in (render(run), terminal(run)):
        assert "Nothing fits" in text
        assert "over the line by 55 %" in text.replace("\u00a0", " ")


def test_a_run_of_no_trials_renders() -> None:
    """A run that was stopped before its first trial still gives a page and a terminal text."""
    assert "Nothing fits" in render(bare())
    assert "Nothing fits" in terminal(bare())


def test_the_frontier_rises_with_the_cost() -> None:
    """Along the frontier each trial costs more and scores better than the one before, and a breaching trial is not on it."""
    edge = frontier(sample()["trials"], "p99", higher=True)
    assert [each["id"] for each in edge] == ["t0", "t1", "t2", "t9", "t4", "t5"]


def test_the_run_answers_for_its_training_limit() -> None:
    """``train`` is held against the whole run, not against the chosen trial alone."""
    run = sample()
    found = {depth.limit.key: depth for depth in depths(run, shown_trial(run))}
    assert found["train"].shown == "4.05 min"
    assert found["p99"].room == "38 % room left"


@pytest.mark.parametrize(
    "run",
    [sample(), regression(), nothing_fits(), bare(), hostile()],
    ids=["sample", "regression", "nothing fits", "bare", "hostile"],
)
@pytest.mark.parametrize("width", [60, 100])
def test_the_terminal_text_keeps_to_its_size(run: dict[str, Any], width: int) -> None:
    """At most 30 lines, none wider than asked for, and no control character in it."""
    lines = terminal(run, width).split("\n")
    assert len(lines) <= 30
    assert max(map(len, lines)) <= width
    assert all(line.isprintable() for line in lines)


def test_the_terminal_says_what_was_chosen_and_how_much_room_is_left() -> None:
    """The frontier, the choice with its reason, and each limit with its figure are there; colours only where asked for."""
    text = terminal(sample())
    assert "▸ gradient_boosting" in text
    assert "Chosen: gradient_boosting t4, macro_f1 0.881 (0.869–0.893) on 3,120 test rows" in text
    assert re.search(r"✓ p99 < 2 ms +1.24 ms +38 % room left", text)
    assert "\x1b" not in text
    assert "\x1b[" in terminal(sample(), color=True)


def test_a_notebook_shows_the_choice_and_the_frontier() -> None:
    """The fragment names the chosen trial, the room under each limit, and one row for each trial that no other beats."""
    reader = Reader(html(sample()))
    words = "".join(reader.texts)
    rows = [attributes for name, attributes in reader.elements if name == "tr"]
    assert reader.open == []
    assert "gradient_boosting t4, macro_f1 0.881 (0.869–0.893) on 3,120 test rows" in words
    assert "p99 < 2 ms: 1.24 ms, 38 % room left" in words
    assert [attributes.get("class") for attributes in rows].count("chosen") == 1
    assert len(rows) == 8
    assert "14 trials in 4.05 min, 2 warnings." in words


@pytest.mark.parametrize("run", [regression(), nothing_fits(), bare(), hostile()])
def test_a_notebook_shows_any_run_as_text(run: dict[str, Any]) -> None:
    """Whatever the run came to, the fragment is well formed, needs nothing from outside, and takes no markup from names."""
    fragment = html(run)
    reader = Reader(fragment)
    assert reader.open == []
    assert not {"script", "img", "link"} & {name for name, _ in reader.elements}
    assert ("Nothing fits" in fragment) == (run["chosen"] is None)
    assert not re.search(r"url\(|@import|https?:", fragment)


def test_a_recipe_keeps_its_colour() -> None:
    """Every trial of a recipe has its colour, recipes have different ones, and the reference is grey."""
    hues = {(each["recipe"], each["hue"]) for each in painted(sample())["trials"]}
    assert len(hues) == 9
    assert ("constant", "hue-rest") in hues
    assert len({hue for _, hue in hues}) == 7


def test_the_best_that_fit_come_first() -> None:
    """In the table of trials those that fit stand before those that do not, each by score."""
    rows = [
        attributes["data-trial"]
        for name, attributes in Reader(render(sample())).elements
        if name == "tr" and "data-trial" in attributes
    ]
    assert rows[:3] == ["t5", "t4", "t9"]
    assert rows[8:] == ["t6", "t7", "t10", "t11"]


def test_a_score_off_the_scale_is_written_beside_its_mark() -> None:
    """A trial too poor for the scale stands at its lower edge, and its name carries its score."""
    assert ">constant 0.107<" in render(sample())


def test_write_makes_one_file(tmp_path: Path) -> None:
    """The page is written as UTF-8, in one file."""
    write(sample(), tmp_path / "report.html")
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == render(sample())
