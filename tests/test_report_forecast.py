"""The report of a planned run: what was forecast, where the window went, and what was ruled out, on the page and in the terminal."""

from __future__ import annotations

import re
from typing import Any

import pytest

from planned import MISSED, hostile_plan, planned
from plimsoll.report.forecast import FORECAST, pairs, verdict_text
from plimsoll.report.page import render
from plimsoll.report.ruled_out import common, grouped
from plimsoll.report.terminal import terminal
from plimsoll.report.timeline import spent, spent_text, stretches
from test_report import Reader, bare, sample


def marks(page: str, among: str) -> list[dict[str, str | None]]:
    """The attributes of every element of a class."""
    return [attributes for _, attributes in Reader(page).elements if among in (attributes.get("class") or "").split()]


def words(page: str) -> str:
    return "".join(Reader(page).texts).replace("\u00a0", " ")


@pytest.mark.parametrize("run", [planned(), hostile_plan()], ids=["planned", "hostile"])
def test_a_planned_run_is_well_formed(run: dict[str, Any]) -> None:
    """Every element of the page is closed in its place, no id stands twice, and no name has become markup."""
    reader = Reader(render(run))
    ids = [attributes["id"] for _, attributes in reader.elements if "id" in attributes]
    assert reader.open == []
    assert len(ids) == len(set(ids))
    assert "img" not in {name for name, _ in reader.elements}
    assert [name for name, _ in reader.elements].count("script") == 2


def test_the_page_says_how_many_forecasts_held() -> None:
    """The run's own count of the intervals that held is a sentence above the charts, and one for each cost that has figures."""
    page = render(planned())
    assert "66 of 70 figures (94 %) fell inside the 90 % intervals that were printed before." in words(page)
    assert [each["id"] for each in marks(page, "panel")] == [f"forecast-{cost}" for cost in FORECAST]


def test_a_run_without_predictions_has_no_section_for_them() -> None:
    """Where nothing was predicted there is neither the section nor a link to it."""
    run = sample()
    for each in run["trials"]:
        each["predicted"] = {}
    assert "forecast" not in Reader(render(run)).ids
    assert 'href="#forecast"' not in render(run)
    assert "forecast" in Reader(render(sample())).ids


def test_a_forecast_that_missed_has_a_shape_of_its_own() -> None:
    """What lies outside its interval is a diamond, what was killed an arrow, the rest discs, and each says so in words."""
    page = render(planned())
    missed = marks(page, "outside")
    assert {(each["data-trial"], (each["aria-label"] or "").split(": ")[1].split(" ")[0]) for each in missed} == set(
        MISSED
    )
    assert all("outside its interval" in (each["aria-label"] or "") for each in missed)
    assert page.count('class="missed"') == len(MISSED) + 1  # and one in the legend
    killed = [each["aria-label"] or "" for each in marks(page, "open")]
    assert len(killed) == 2
    assert killed[0].startswith("mlp t010: cpu at least 8.8 s, predicted ")


def test_a_trial_that_failed_is_no_evidence_of_a_forecast() -> None:
    """A trial that raised on its way says nothing of what it would have cost, and one with a broken interval neither."""
    run = planned()
    assert "t014" not in {pair.trial["id"] for pair in pairs(run, "cpu")}
    assert len(pairs(run, "cpu")) == 15
    run["trials"][1]["predicted"]["cpu"] = [0.1, float("nan"), 0.3]
    run["trials"][2]["predicted"]["cpu"] = [0.1, 0.3]
    run["trials"][3]["measured"]["cpu"] = 0.0
    assert len(pairs(run, "cpu")) == 12


def test_a_whisker_lies_across_the_diagonal_where_the_forecast_held() -> None:
    """On paper the bar of a forecast spans the place where it would have been exact, and only then."""
    page = render(planned())
    for cost in FORECAST:
        panel = page.split(f'id="forecast-{cost}"')[1].split("</svg>")[0]
        x1, y1, x2, y2 = (
            float(side)
            for side in re.search(
                r'<line x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)" class="diagonal"', panel
            ).groups()
        )  # type: ignore[union-attr]
        bars = re.findall(
            r'<line x1="([\d.]+)" x2="([\d.]+)" y1="([\d.]+)" y2="[\d.]+" class="interval">.*?</g>', panel
        )
        kinds = re.findall(r'<g class="point whole (\w+)', panel)
        assert len(bars) == len(kinds) > 10
        for (low, high, up), kind in zip(bars, kinds, strict=True):
            exact = x1 + (float(up) - y1) / (y2 - y1) * (x2 - x1)
            assert (float(low) - 0.01 <= exact <= float(high) + 0.01) == (kind == "inside") or kind == "open"


def test_the_figures_of_the_charts_are_a_table_too() -> None:
    """Each trial with a forecast is a row, with what was measured, what was predicted, and what missed."""
    page = words(render(planned()))
    table = page.split("The same figures as a table")[1].split("Where the time went")[0]
    assert table.count("outside its interval") == len(MISSED)
    assert "at least 8.8 s" in table
    assert re.search(r"trees\s*t017", table)


def test_the_seconds_of_two_cores_add_up_to_the_run() -> None:
    """Each second of the wall clock is counted once, whatever the number of cores, and the sums are one line."""
    run = planned()
    sums = spent(stretches(run), run["elapsed"])
    assert sum(sums.values()) == pytest.approx(51.6)
    assert sums["read"] == pytest.approx(2.1)
    assert sums["refit"] == pytest.approx(4.2)
    assert sums["idle"] == pytest.approx(0.3)
    assert spent_text(run).startswith("reading 2.1 s, planning 300 ms, probes ")
    assert f"The run took 51.6 s: {spent_text(run)}." in words(render(run))


def test_a_bar_says_what_why_and_when() -> None:
    """A bar of a trial tells its stage, its end and its reason; one of another kind tells its own words."""
    said = {each["aria-label"] for each in marks(render(planned()), "span") if each.get("aria-label")}
    assert "mlp t010, portfolio, killed: 9 s from 13.4 s · outgrew its 9 s" in said
    assert "trees t017, distilled, chosen: 4.4 s from 36.7 s" in said
    assert "reading 32,561 rows: 2.1 s from the start" in said
    assert "linear t002, probe, fits: 500 ms from 2.5 s · saw 5 % of the rows" in said


def test_bars_are_coloured_by_recipe_and_grey_where_there_is_none() -> None:
    """Trials and run-offs have the colour of their recipe, probes are hatched, and reading, the last fit and scoring are grey."""
    page = render(planned())
    bars = [each for each in marks(page, "span") if each.get("aria-label")]
    assert sum("other" in (each["class"] or "").split() for each in bars) == 4
    assert sum("probe" in (each["class"] or "").split() for each in bars) == 4
    assert page.count('class="hatch"') == 5  # and one in the legend
    hues = {
        (each["class"] or "").split()[-1]
        for each in bars
        if each.get("data-trial") in ("t011", "t017") and "other" not in (each["class"] or "")
    }
    assert len(hues) == 1


def test_the_end_of_the_window_is_a_line() -> None:
    """The limit on training stands in the time line where it is in sight, and not where it would squeeze the bars."""
    run = planned()
    chart = render(run).split('id="timeline"')[1].split("</svg>")[0]
    assert "train &lt; 1 min" in chart
    run["limits"][2] |= {"bound": 600.0, "text": "train < 10 min"}
    assert "load-label" not in render(run).split('id="timeline"')[1].split("</svg>")[0]


def test_a_run_without_a_time_line_shows_its_trials() -> None:
    """An older record has no time line of its own: its trials make one, and what is left is not called idle."""
    run = sample()
    bars = [each for each in marks(render(run), "span") if each.get("aria-label")]
    assert [each["data-trial"] for each in bars][:3] == ["t0", "t1", "t2"]
    assert len(bars) == 12
    assert spent_text(run).endswith(", the rest 5.8 s")


def test_candidates_ruled_out_fold_away_by_reason() -> None:
    """They are no rows of the table of trials; the fold counts them, and those of one reason stand together."""
    page = render(planned())
    text = words(page)
    assert "24 candidates were ruled out before training" in text
    assert "needs … to … of size, 20 MB allowed · 11 candidates" in text
    assert "forest t018 · leaves 255, trees 2200 · 22 MB, 40 MB" in text
    assert "no column holds text" in text
    rows = {each.get("data-trial") for name, each in Reader(page).elements if name == "tr"}
    assert "t017" in rows
    assert "t018" not in rows


def test_reasons_are_the_same_but_for_their_figures() -> None:
    """Two reasons stand together where only numbers differ: the name of another limit, or another word, is another reason."""
    why = [
        "p99 of 2 ms, 1 ms allowed",
        "p50 of 2 ms, 1 ms allowed",
        "p99 of 1.3 s, 1 ms allowed",
        "p99 of …, 1 ms allowed",
    ]
    found = grouped([{"why": each} for each in why])
    assert [[each["why"] for each in group] for group in found] == [[why[0], why[2]], [why[1]], [why[3]]]
    assert common([why[0], why[2]]) == ("p99 of …, 1 ms allowed", ["2 ms", "1.3 s"])


def test_the_terminal_has_a_line_for_the_forecast() -> None:
    """Where the run counted its forecasts, the last line says how many held; a run without them says nothing of it."""
    assert terminal(planned()).endswith(
        "66 of 70 figures (94 %) fell inside the 90 % intervals that were printed before."
    )
    assert all(len(line) <= 60 for line in terminal(planned(), 60).split("\n"))
    for run in (sample(), bare(), planned() | {"forecast": {"told": 0, "inside": 0}}):
        assert "intervals" not in terminal(run)
        assert verdict_text(run) == ""
