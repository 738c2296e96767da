"""The report in a real browser: it is read, pointed at, walked through by keyboard, printed and seen in the dark."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from planned import hostile_plan, planned
from plimsoll.report.page import write
from test_report import HOSTILE, bare, hostile, nothing_fits, regression, sample
from test_report_found import finding_run, hostile_search, lonely_search, made_run
from test_report_lists import empty_lists, hostile_lists, listing_run

if TYPE_CHECKING:
    from browser import Browser

Open = Callable[[dict[str, Any]], "Browser"]

POINT = '#chart-p99 .point[data-trial="{}"]'


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Open:
    """Writes the report of a run, and opens it."""

    def opens(run: dict[str, Any]) -> Browser:
        write(run, tmp_path / "report.html")
        browser.open(tmp_path / "report.html")
        return browser

    return opens


def lonely() -> dict[str, Any]:
    """One trial, no limits, no test rows."""
    run = copy.deepcopy(sample())
    run["trials"] = run["trials"][4:5]
    return run | {"limits": [], "test": None, "evidence": {}, "warnings": []}


def active(page: Browser) -> str | None:
    """The trial whose mark has the keyboard."""
    return page.run("return document.activeElement.dataset.trial ?? null")


def walked(page: Browser) -> None:
    """Puts the keyboard on the chart, as Tab does after the choice of the cost."""
    page.run("document.querySelector('#cost-p99').focus()")
    page.press("Tab")


def column(page: Browser, number: int) -> list[str]:
    return page.run(
        "return [...document.querySelectorAll('#trials tbody tr')].map((row) => row.cells[arguments[0]].innerText)",
        number,
    )


@pytest.mark.parametrize(
    "made",
    [
        sample,
        regression,
        nothing_fits,
        bare,
        hostile,
        lonely,
        planned,
        hostile_plan,
        listing_run,
        hostile_lists,
        empty_lists,
        finding_run,
        made_run,
        hostile_search,
        lonely_search,
    ],
)
def test_the_console_is_silent_and_nothing_is_fetched(opened: Open, made: Callable[[], dict[str, Any]]) -> None:
    """Whatever the run came to, the page loads one file, and the browser has nothing to complain of."""
    page = opened(made())
    asked = page.requests()
    assert [Path(each).name for each in asked] == ["report.html"]
    assert page.errors() == []


def test_the_console_would_tell(browser: Browser, tmp_path: Path) -> None:
    """The test above would be worthless if a script that fails, or a picture from elsewhere, went unnoticed."""
    page = tmp_path / "broken.html"
    page.write_text('<!doctype html><script>throw Error("ahoy")</script><img src="http://127.0.0.1:9/x.png">')
    browser.open(page)
    assert any("ahoy" in each for each in browser.errors())
    assert "http://127.0.0.1:9/x.png" in browser.requests()


def test_the_mouse_over_a_mark_shows_its_trial(opened: Open) -> None:
    """The panel names the trial with its score, costs and knobs; its mark, its row and its bar light up."""
    page = opened(sample())
    assert page.text("#card h3") == "gradient_boosting"
    page.hover(POINT.format("t9"))
    said = page.text("#card")
    assert {"mlp", "t9 · fits", "720 µs", "width 128, depth 2, dropout 0.1"} <= set(said.split("\n"))
    assert page.run("return [...document.querySelectorAll('.lit')].every((each) => each.dataset.trial === 't9')")
    assert page.run("return document.querySelectorAll('tr.lit, .span.lit, .point.lit').length") >= 3
    page.hover('tr[data-trial="t11"]')
    assert page.text("#card h3") == "text_bytes"


def test_the_keyboard_walks_along_the_marks(opened: Open) -> None:
    """Tab comes to the chosen mark, arrows go to the next dearer and cheaper, Home and End to the ends, and the panel follows."""
    page = opened(sample())
    walked(page)
    assert active(page) == "t4"
    page.press("Right")
    assert active(page) == "t8"
    assert page.text("#card .note") == "t8 · fits"
    page.press("Left", "Left")
    assert active(page) == "t11"
    page.press("Home")
    assert active(page) == "t0"
    page.press("Left")
    assert active(page) == "t0"
    page.press("End")
    assert active(page) == "t12"
    assert page.text("#card h3") == "transformer_small"


def test_a_chart_is_one_stop_of_the_tab_key(opened: Open) -> None:
    """From the chart, Tab leaves the marks behind and goes on to the table; back again it finds the mark where it was."""
    page = opened(sample())
    walked(page)
    page.press("Right", "Tab")
    assert page.run("return document.activeElement.getAttribute('aria-label')") == "All trials"
    page.press("Shift+Tab")
    assert active(page) == "t8"


def test_the_focus_is_seen(opened: Open) -> None:
    """Whatever the keyboard comes to has an outline, or a ring drawn around it."""
    page = opened(sample())
    walked(page)
    ring = "return getComputedStyle(document.activeElement.querySelector('.reach')).stroke"
    assert page.run(ring) not in ("none", "rgba(0, 0, 0, 0)")
    outline = "return getComputedStyle(arguments[0] ?? document.activeElement).outlineStyle"
    for _ in range(4):
        page.press("Tab")
        assert page.run(outline) == "solid", page.run("return document.activeElement.outerHTML")
    page.run("document.querySelector('#cost-p50').focus()")
    page.press("Right")
    assert page.run(outline, page.find("label[for=cost-p99]")) == "solid"


def test_another_cost_draws_another_chart(opened: Open) -> None:
    """The chart of the chosen cost is in sight and no other, with the cost and its unit on the axis; keys change it, too."""
    page = opened(sample())
    sight = "return [...document.querySelectorAll('figure')].filter((each) => each.checkVisibility()).map((each) => each.id)"
    assert page.run(sight) == ["chart-p99"]
    page.click("label[for=cost-memory]")
    assert page.run(sight) == ["chart-memory"]
    assert "memory of the serving process" in page.run("return document.querySelector('#chart-memory').textContent")
    assert "MB" in page.run("return document.querySelector('#chart-memory').textContent")
    page.run("document.querySelector('#cost-memory').focus()")
    page.press("Right")
    assert page.run(sight) == ["chart-size"]


def test_the_load_line_stands_at_the_limit(opened: Open) -> None:
    """The limit is a line over the whole plot with its words; what fits is left of it, and what breaches it is right."""
    page = opened(sample())
    middle = "const box = document.querySelector(arguments[0]).getBoundingClientRect(); return box.x + box.width / 2"
    line = page.run(middle, "#chart-p99 line.load")
    assert page.run("return document.querySelector('#chart-p99 .load-label').textContent") == "p99 < 2 ms"
    assert page.run(middle, POINT.format("t5") + " .dot") < line < page.run(middle, POINT.format("t6") + " .dot")
    page.click("label[for=cost-p50]")
    assert page.run("return document.querySelectorAll('#chart-p50 .load').length") == 0


def test_names_in_the_chart_do_not_overlap(opened: Open) -> None:
    """No name of a recipe covers another, nor a mark."""
    page = opened(sample())
    overlaps = page.run(
        """const boxes = (what) => [...document.querySelectorAll('#chart-p99 ' + what)].map((each) => each.getBoundingClientRect());
        const meet = (a, b) => a.left < b.right && b.left < a.right && a.top + 3 < b.bottom && b.top < a.bottom - 3;
        const names = boxes('.name'), dots = boxes('.dot');
        return [names.length, names.filter((a, i) => names.some((b, j) => i < j && meet(a, b)) || dots.some((b) => meet(a, b))).length]"""
    )
    assert overlaps[0] >= 4
    assert overlaps[1] == 0


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
def test_a_click_on_a_head_sorts_both_ways(opened: Open, by: str) -> None:
    """The first press sorts upwards, the second downwards; what has no figure stays last, and aria-sort says which way."""
    page = opened(sample())
    head = "#trials thead th:nth-child(3)"
    said = "return document.querySelector(arguments[0]).getAttribute('aria-sort')"

    def press() -> None:
        if by == "mouse":
            return page.click(f"{head} button")
        page.run("document.querySelector(arguments[0]).focus()", f"{head} button")
        return page.press("Enter")

    for way, reverse in (("ascending", False), ("descending", True)):
        press()
        scores = [cell.split("\n")[0] for cell in column(page, 2)]
        assert page.run(said, head) == way
        assert scores[:10] == sorted(scores[:10], reverse=reverse)
        assert scores[10:] == ["–"] * 2
    page.click("#trials thead th:nth-child(1) button")
    names = [cell.split("\n")[0].removesuffix(" chosen") for cell in column(page, 0)]
    assert names == sorted(names)
    assert page.run(said, head) is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("made", [sample, nothing_fits, planned])
def test_every_text_stands_out(opened: Open, scheme: str, made: Callable[[], dict[str, Any]]) -> None:
    """In light and in dark colours every text has the contrast of 4.5 that WCAG 2 asks for, and every mark that of 3."""
    page = opened(made())
    page.emulate(scheme=scheme)
    page.hover("#trials tbody tr:nth-child(2)")
    texts, marks = page.contrasts(
        "figure :is(.dot, .interval, .cross, .load), .panel :is(.dot, .interval, .cross, .missed), .span rect",
        over="pre",
    )
    assert len(texts) > 100
    assert len(marks) > 10
    assert texts[0][0] >= 4.5, texts[:5]
    assert marks[0][0] >= 3.0, marks[:5]
    assert (page.run("return getComputedStyle(document.body).backgroundColor") == "rgb(16, 22, 28)") == (
        scheme == "dark"
    )


@pytest.mark.parametrize(
    "made",
    [sample, regression, nothing_fits, hostile, lonely, planned, hostile_plan, listing_run, hostile_lists, empty_lists],
)
def test_a_telephone_shows_the_page_without_scrolling_sideways(
    opened: Open, made: Callable[[], dict[str, Any]]
) -> None:
    """At 360 px nothing is wider than the window; wide tables scroll in their own frames, and axis labels can be read."""
    page = opened(made())
    page.emulate(width=360, height=740)
    assert page.run("return document.documentElement.scrollWidth") == 360
    size = "const box = document.querySelector('figure:has(.tick) .tick').getBoundingClientRect(); return box.height"
    assert page.run(size) == 0 or page.run(size) >= 9


def test_paper_shows_no_controls(opened: Open) -> None:
    """Printed, the page is a PDF of a few pages without buttons and links, in ink on white."""
    page = opened(sample())
    pdf = page.printed()
    assert pdf.startswith(b"%PDF")
    assert 2 <= pdf.count(b"/Type /Page\n") <= 6
    page.emulate(media="print", scheme="dark", width=794)
    gone = "return ['.buttons', '.contents'].map((each) => document.querySelector(each).checkVisibility())"
    assert page.run(gone) == [False, False]
    assert page.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.run("return document.querySelector('#card').getBoundingClientRect().height") > 100


def test_a_hostile_name_is_shown_as_it_is_written(opened: Open) -> None:
    """Markup in a name is read as text in the headline, the table and the panel, and makes no element."""
    page = opened(hostile())
    words = "</script><img src=x onerror=\"alert(1)\"> 'q'"
    assert page.text("h1").startswith(words)
    page.hover("#trials tbody tr:nth-child(3)")
    assert page.text("#card h3").startswith(words)
    assert page.run("return document.images.length + document.querySelectorAll('iframe, [onerror]').length") == 0
    assert page.run("return document.scripts.length") == 2
    assert page.errors() == []


def test_a_very_long_name_stays_inside(opened: Open) -> None:
    """A name of 300 letters breaks over lines, on a wide and on a narrow page."""
    run = sample()
    for each in run["trials"]:
        each["recipe"] = "a" * 300
    run["evidence"]["slices"][0]["column"] = run["job"]["predict"] = "b" * 300
    run["limits"][0]["text"] = run["warnings"][0] = HOSTILE * 8
    page = opened(run)
    for width in (1280, 360):
        page.emulate(width=width)
        assert page.run("return document.documentElement.scrollWidth") == width


def test_the_panel_moves_nothing(opened: Open) -> None:
    """While the mouse wanders over the rows of the table, the table stays where it is."""
    page = opened(sample())
    top = "return document.querySelector('#trials').getBoundingClientRect().top + scrollY"
    before = page.run(top)
    for trial in ("t0", "t6", "t11"):
        page.hover(f'tr[data-trial="{trial}"]')
        assert page.run(top) == before


def test_without_a_script_the_page_is_whole(opened: Open) -> None:
    """With scripts switched off the chart, the choice of its cost and the table are there all the same."""
    page = opened(sample())
    page.cdp("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.cdp("Page.reload")
        page.click("label[for=cost-size]")
    finally:
        page.cdp("Emulation.setScriptExecutionDisabled", value=False)
    assert page.text("#card h3") == "gradient_boosting"
    assert page.run("return document.querySelector('#chart-size').checkVisibility()")
    assert page.run("return document.querySelectorAll('#trials tbody tr').length") == 12
    assert page.run("return document.querySelector('th button')") is None


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (bare, ["Nothing fits", "No trial was run.", "No trial was trained.", "there is no frontier to draw"]),
        (nothing_fits, ["Nothing fits", "Nearest: gradient_boosting t6", "over the line by 55 %"]),
        (lonely, ["on validation rows, not on a test", "1 trial\n", "Nothing to warn of."]),
    ],
)
def test_an_empty_place_says_so(opened: Open, made: Callable[[], dict[str, Any]], words: list[str]) -> None:
    """With no trial, with nothing that fits, or with one trial and no test rows, the page says what is not there."""
    text = opened(made()).text("body").replace("\u00a0", " ")
    assert [each for each in words if each not in text] == []


def test_a_line_under_the_charts_says_what_a_mark_stands_for(opened: Open) -> None:
    """The mouse over a forecast or a bar writes it out beneath, and the trial lights up in every chart at once."""
    page = opened(planned())
    assert "arrow keys" in page.text("#forecast .told")
    page.hover('#forecast-memory .point[data-trial="t009"] .missed')
    assert page.text("#forecast .told").startswith("forest t009: memory 171 MB, predicted ")
    assert page.run("return document.querySelectorAll('.panel .point.lit').length") == 5
    page.hover('#timeline .span[data-trial="t010"] rect')
    assert page.text("#timeline .told") == "mlp t010, portfolio, killed: 9 s from 13.4 s · outgrew its 9 s"
    assert "t009" in page.text("#forecast .told")


def test_the_keyboard_walks_through_time(opened: Open) -> None:
    """From the frame of the time line Tab comes to a bar, arrows go to what began before and after, and the next Tab leaves."""
    page = opened(planned())
    said = "return document.activeElement.getAttribute('aria-label')"
    page.run("document.querySelector('#timeline .frame').focus()")
    page.press("Tab", "Home")
    assert page.run(said) == "reading 32,561 rows: 2.1 s from the start"
    page.press("Right", "Right")
    assert page.run(said).startswith("constant t001")
    assert page.text("#timeline .told").startswith("constant t001")
    page.press("End")
    assert page.run(said).startswith("16,281 test rows")
    page.press("Tab")
    assert page.run("return document.activeElement.closest('#timeline')") is None


def test_what_was_ruled_out_opens_and_shuts(opened: Open) -> None:
    """The candidates that were ruled out are out of sight until the fold is opened, by the mouse or by Enter."""
    page = opened(planned())
    sight = "return document.querySelector('#ruled-out li').checkVisibility()"
    assert page.run(sight) is False
    page.click("#ruled-out summary")
    assert page.run(sight) is True
    page.press("Enter")
    assert page.run(sight) is False


@pytest.mark.parametrize("width", [360, 390, 1280])
def test_words_in_the_small_charts_do_not_overlap(opened: Open, width: int) -> None:
    """Neither ticks and titles of the forecasts, nor names and lanes of the time line, cover each other or leave their chart."""
    page = opened(planned())
    page.emulate(width=width)
    faults = page.run(
        """const boxes = (chart) => [...chart.querySelectorAll('text')].map((each) => [each.textContent, each.getBoundingClientRect()]);
        const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top + 3 < b.bottom && b.top < a.bottom - 3;
        return [...document.querySelectorAll('.panel svg, svg.timeline')].flatMap((chart) => {
          const all = boxes(chart), edge = chart.getBoundingClientRect();
          const over = all.filter(([, a], i) => all.some(([, b], j) => i < j && meet(a, b)));
          return [...over, ...all.filter(([, a]) => a.left < edge.left - 1 || a.right > edge.right + 1)].map(([words]) => words);
        })"""
    )
    assert faults == []


def test_lists_are_read_side_by_side(opened: Open) -> None:
    """On a wide page the history, the lists and what came next stand beside each other, on a narrow one under each other."""
    page = opened(listing_run())
    tops = "return [...document.querySelectorAll('#people details[open] .sides > div')].map((each) => each.getBoundingClientRect().top)"
    assert len(page.run(tops)) == 4
    assert len(set(page.run(tops))) == 1
    page.emulate(width=360, height=740)
    assert len(set(page.run(tops))) == 4
    groups = "return [...document.querySelectorAll('.group .frame')].filter((each) => each.scrollWidth > each.clientWidth).length"
    assert page.run("return document.querySelectorAll('.group').length") == 3
    assert page.run(groups) == 0


def test_a_user_opens_by_keyboard(opened: Open) -> None:
    """The first user is open; Enter on the next one's line opens it, and its focus is seen."""
    page = opened(listing_run())
    last = "#people details:last-of-type"
    sight = f"return document.querySelector('{last} ol').checkVisibility()"
    assert page.run(sight) is False
    page.run(f"document.querySelector('{last}').previousElementSibling.querySelector('summary').focus()")
    page.press("Tab")
    assert page.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.press("Enter")
    assert page.run(sight) is True
    assert page.text(f"{last} summary").startswith("User 7")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lists_stand_out(opened: Open, scheme: str) -> None:
    """Names of models in their hues, ticks and bars have the contrast that WCAG 2 asks for, in light and in dark."""
    page = opened(listing_run())
    page.emulate(scheme=scheme)
    page.run("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    texts, marks = page.contrasts("#spread .tenth")
    assert len(marks) > 4
    assert texts[0][0] >= 4.5, texts[:5]
    assert marks[0][0] >= 3.0, marks[:5]


def test_a_hostile_title_is_shown_as_it_is_written(opened: Open) -> None:
    """Markup in a title, in a user's name or in a model's is text, and 5,000 letters stay inside their column."""
    page = opened(hostile_lists())
    assert HOSTILE[:20] in page.text("#people")
    assert page.run("return document.images.length + document.querySelectorAll('iframe, [onerror]').length") == 0
    wide = """return [...document.querySelectorAll('#lists .sides > div, #lists .block, #people')].filter(
      (each) => [...each.querySelectorAll('li, h4, p')].some((part) => part.getBoundingClientRect().right > each.getBoundingClientRect().right + 1)).length"""
    for width in (1280, 360):
        page.emulate(width=width)
        assert page.run(wide) == 0
        assert page.run("return document.documentElement.scrollWidth") == width


SEEN = "return [...document.querySelectorAll('{} [data-query]')].filter((each) => each.checkVisibility()).map((each) => each.dataset.query)"
ROWS, FOLDS = SEEN.format("#queries tbody"), SEEN.format("#sides")


def test_the_box_finds_queries_by_their_words_and_by_what_was_found(opened: Open) -> None:
    """Rows, lists and bars of other queries go; accents and capitals make no difference, and words of a title count too."""
    page = opened(finding_run())
    assert page.run(ROWS) == ["0", "1", "2", "3", "4"]
    for typed, due in (("heat bl", ["3"]), ("HEAT", ["0", "2", "3", "4"]), ("karman", ["1"]), ("no such thing", [])):
        page.run("document.querySelector('#seek').value = ''; document.querySelector('#seek').focus()")
        page.press(*["Space" if letter == " " else letter for letter in typed])
        assert page.run(ROWS) == due, typed
        assert sorted(page.run(FOLDS)) == [each for each in due if each != "1"], typed
        assert page.text("#sought") == f"{len(due)} of 5 queries"
        away = page.run("return document.querySelectorAll('.gap.away').length")
        assert away == 4 - len(set(due) - {"4"}), typed
    assert (
        page.run("return [...document.querySelectorAll('.queries')].filter((each) => each.checkVisibility()).length")
        == 0
    )
    page.run("const box = document.querySelector('#seek'); box.value = ''; box.dispatchEvent(new Event('input'))")
    assert page.run(ROWS) == ["0", "1", "2", "3", "4"]
    assert page.text("#sought") == ""


def test_enter_opens_the_first_lists_that_are_left(opened: Open) -> None:
    """From the box Enter goes to the line of the first query that is left and opens it; Tab and Enter go on from there."""
    page = opened(finding_run())
    page.run("document.querySelector('#seek').focus()")
    page.press(*"blunt", "Enter")
    assert page.run("return document.activeElement.closest('details').dataset.query") == "3"
    assert page.run("return document.querySelector('#query-3').checkVisibility()")
    page.press("Enter")
    assert not page.run("return document.querySelector('#query-3').checkVisibility()")


@pytest.mark.parametrize("link", ["#queries tbody a[href='#query-3']", "a.gap[href='#query-3']"])
def test_a_query_leads_to_its_lists(opened: Open, link: str) -> None:
    """A row and a bar open the lists they lead to, by the mouse or by Enter."""
    page = opened(finding_run())
    sight = "return document.querySelector('#query-3').checkVisibility()"
    assert page.run(sight) is False
    page.run("document.querySelector(arguments[0]).focus()", link)
    page.press("Enter")
    assert page.run(sight) is True


def test_bars_of_queries_are_walked_along(opened: Open) -> None:
    """The chart is one stop of the Tab key, arrows go from the largest gain to the largest loss, and the line beneath says which."""
    page = opened(finding_run())
    page.run("document.querySelector('#queries .frame').focus()")
    page.press("Tab")
    said = "return document.activeElement.getAttribute('aria-label')"
    assert page.run(said).startswith("lift of swept wings")
    page.press("End")
    assert page.run(said).startswith("heat of a blunt body")
    assert page.text("#queries .told").startswith("heat of a blunt body: ndcg@10 lsa 0.100, bm25 0.500 (−0.400)")
    page.hover(".gap[data-query='1'] .reach")
    assert page.text("#queries .told").startswith("what Kármán vortices do")
    page.press("Tab")
    assert page.run("return document.activeElement.id") == "seek"


def test_kinds_of_queries_are_picked_without_a_script(opened: Open) -> None:
    """With scripts switched off the buttons still pick rows, links still open lists, and the box, which could find nothing, is
    not there."""
    page = opened(finding_run())
    page.cdp("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.cdp("Page.reload")
        page.click("label[for=of-loss]")
        picked = page.run(ROWS)
        page.click("#queries tbody a[href='#query-2']")
    finally:
        page.cdp("Emulation.setScriptExecutionDisabled", value=False)
    assert picked == ["2", "3"]
    assert page.run("return document.querySelector('#query-2').checkVisibility()")
    assert not page.run("return document.querySelector('#seek').checkVisibility()")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_a_search_finds_stands_out(opened: Open, scheme: str) -> None:
    """Names, marked words, grades and bars have the contrast that WCAG 2 asks for, in light and in dark."""
    page = opened(made_run())
    page.emulate(scheme=scheme)
    page.run("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    texts, marks = page.contrasts("#queries .tenth, .grade .part, .grade .none")
    assert len(marks) > 8
    assert texts[0][0] >= 4.5, texts[:5]
    assert marks[0][0] >= 3.0, marks[:5]


@pytest.mark.parametrize("width", [1280, 360])
def test_a_search_stays_inside(opened: Open, width: int) -> None:
    """On a wide and on a narrow page nothing of it leaves the window, however long a query, a title or an id; a list stands
    beside the other, or under it."""
    page = opened(hostile_search())
    page.emulate(width=width, height=800)
    page.run("document.querySelectorAll('details').forEach((each) => (each.open = true))")
    assert page.run("return document.documentElement.scrollWidth") == width
    assert page.run("return document.images.length + document.querySelectorAll('iframe, [onerror]').length") == 0
    page = opened(finding_run())
    page.emulate(width=width, height=800)
    tops = "return [...document.querySelectorAll('#query-0 > div')].map((each) => each.getBoundingClientRect().top)"
    page.run("document.querySelectorAll('#sides details').forEach((each) => (each.open = true))")
    assert len(set(page.run(tops))) == (1 if width > 1_000 else 3)
