"""The page of a search: who may see it, and in a real browser what is typed, pressed, narrowed and opened."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from plimsoll import catalogue
from plimsoll.serve.address import listen
from plimsoll.serve.server import server
from search_toys import HOSTILE, find, searcher
from serving_toys import over
from test_app import ask

if TYPE_CHECKING:
    from browser import Browser

TOKEN = "a-long-enough-token"


@pytest.fixture(autouse=True)
def _family(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "find", find)


def test_nobody_sees_documents_without_the_token():
    """Neither page nor answers; the token lets a browser in by a cookie, and a program as everywhere."""
    app = over(searcher(), TOKEN)
    assert b"Token" in ask(app, "GET", "/search")[2]
    for page in ("/search.json?q=map", "/documents?id=3"):
        assert ask(app, "GET", page)[0] == 401
        assert ask(app, "GET", page, cookie="plimsoll-search=somebody.00")[0] == 401
        assert ask(app, "GET", page, authorization=f"Bearer {TOKEN}")[0] == 200
    assert ask(app, "POST", "/search/login", b"token=wrong")[0] == 403
    status, headers, _ = ask(app, "POST", "/search/login", f"token={TOKEN}".encode())
    cookie = headers["set-cookie"].partition(";")[0]
    assert (status, headers["location"], "HttpOnly" in headers["set-cookie"]) == (303, "/search", True)
    for page in ("/search", "/search.json?q=map", "/documents?id=3"):
        status, _, body = ask(app, "GET", page, cookie=cookie)
        assert (status, b"Token" in body) == (200, False)
        assert b"Token" in ask(over(searcher(), TOKEN + "!"), "GET", "/search", cookie=cookie)[2]
    assert ask(app, "POST", "/documents", b"{}", cookie=cookie)[0] == 401


def test_without_a_token_the_page_is_for_this_machine():
    """A name of another site that leads here finds nothing."""
    app = over(searcher())
    for page in ("/search", "/search.json?q=map", "/documents?id=3"):
        assert ask(app, "GET", page, host="127.0.0.1:8000")[0] == 200
        assert ask(app, "GET", page, host="evil.example")[0] == 403
    assert ask(app, "POST", "/search/login", b"token=x", origin="https://evil.example", host="localhost")[0] == 403


def test_the_page_lets_a_browser_do_no_more_than_it_needs():
    """Its own script and style, and questions to this server: nothing else."""
    status, headers, body = ask(over(searcher()), "GET", "/search")
    assert (status, headers["x-content-type-options"]) == (200, "nosniff")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert b"http" not in body.replace(b"<meta http-equiv", b"")
    for name in ("search_page.js", "search_page.css"):
        assert ask(over(searcher()), "GET", f"/search/{name}")[0] == 200
    script = ask(over(searcher()), "GET", "/search/search_page.js")[2]
    assert b"innerHTML" not in script
    assert ask(over(searcher()), "GET", "/search/../house.py")[0] == 404


@contextmanager
def _running(token: str | None = None) -> Iterator[str]:
    made = server(over(searcher(), token))
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=made.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        made.should_exit = True
        thread.join()


@pytest.fixture
def served() -> Iterator[str]:
    with _running() as address:
        yield address


def until(browser: Browser, script: str, right: Callable[[Any], bool] = bool) -> Any:
    """The value of an expression of the page, once it is right."""
    for _ in range(200):
        try:
            if right(found := browser.run(f"return {script}")):
                return found
        except RuntimeError:  # there is no such element yet
            found = None
        time.sleep(0.02)
    raise AssertionError(f"{script} is {found!r}")


HEADS = "[...document.querySelectorAll('#hits .open')].map((each) => each.textContent)"
SAID = "document.querySelector('#said').innerText"
FOCUS = "(document.activeElement.id || document.activeElement.textContent)"
MARKED = "[...document.querySelectorAll('#hits mark')].map((each) => each.textContent)"


def test_what_is_typed_is_found_as_it_is_typed(served: str, browser: Browser):
    """The box has the focus, the address says what is looked for, and what the query met is marked."""
    browser.open(f"{served}/search")
    until(browser, FOCUS, lambda found: found == "q")
    browser.press(*"keeper")
    assert until(browser, HEADS) == ["Lighthouses of the west coast", "Letters of a keeper"]
    assert until(browser, "location.search") == "?q=keeper"
    assert {*until(browser, MARKED)} == {"keeper"}
    assert until(browser, SAID).startswith("2 of 6 documents")
    assert browser.run("return document.querySelector('#said').getAttribute('role')") == "status"
    browser.press("Space", *"tid")  # of a word that is not whole yet, all that begin so
    assert "Tides" in until(browser, HEADS, lambda found: len(found) == 3)
    assert browser.errors() == []
    assert all(each.startswith(served) for each in browser.requests() if not each.startswith("data:"))


def test_what_documents_say_is_only_text(served: str, browser: Browser):
    """Markup in a title or a text is shown as it is written, and runs nothing."""
    browser.open(f"{served}/search?q=quotes+script")
    assert until(browser, HEADS)[0] == HOSTILE
    assert browser.run("return document.title") == "Search"
    assert browser.run("return document.querySelector('#hits img, #hits script')") is None
    browser.click("#hits .open")
    until(browser, "document.querySelector('dialog').open")
    assert browser.text("#head") == HOSTILE
    assert "<script>document.title" in browser.text("#told")
    assert browser.errors() == []


def test_marks_stand_at_their_letters_behind_letters_of_two_units(served: str, browser: Browser):
    """Places are of letters, and an emoji is one."""
    browser.open(f"{served}/search?q=map+pictures")
    until(browser, HEADS)
    assert {*until(browser, MARKED)} <= {"map", "pictures"}
    assert "pictures" in until(browser, MARKED)


def test_all_goes_by_keys(served: str, browser: Browser):
    """/ to the box, arrows through what was found, Enter for a document, Esc to close it, and back where one was."""
    browser.open(f"{served}/search?q=map")
    heads = until(browser, HEADS)
    browser.press("Tab", "Tab", "/")
    until(browser, FOCUS, lambda found: found == "q")
    browser.press("Down")
    until(browser, FOCUS, lambda found: found == heads[0])
    browser.press("Down", "Down", "Up")
    until(browser, FOCUS, lambda found: found == heads[1])
    browser.press("Enter")
    until(browser, "document.querySelector('dialog').open")
    assert browser.text("#head") == heads[1]
    assert "doc" not in until(
        browser, "document.querySelector('#told dt').textContent", lambda found: found == "number"
    )
    browser.press("Escape")
    until(browser, "!document.querySelector('dialog').open")
    until(browser, FOCUS, lambda found: found == heads[1])
    browser.press("Up", "Up")
    until(browser, FOCUS, lambda found: found == "q")
    assert browser.errors() == []


def test_a_facet_narrows_and_the_way_back_is_open(served: str, browser: Browser):
    """The address keeps it; back and forward go through the steps; a link brings the same page."""
    browser.open(f"{served}/search?q=map")
    whole = until(browser, HEADS)
    browser.click("#facets label")
    some = until(browser, HEADS, lambda found: 0 < len(found) < len(whole))
    assert json.loads(browser.run("return new URLSearchParams(location.search).get('f')")) == {"kind": ["maps"]}
    assert browser.run("return document.activeElement.checked") is True
    browser.run("history.back()")
    until(browser, HEADS, lambda found: found == whole)
    browser.open(f"{served}/search?q=map&f={quote(json.dumps({'kind': ['maps']}))}")
    assert until(browser, HEADS) == some
    assert until(browser, "document.querySelector('#facets input:checked').parentElement.innerText").startswith("maps")
    browser.click("#said button")
    until(browser, HEADS, lambda found: found == whole)


def test_why_opens_the_parts_of_a_score(served: str, browser: Browser):
    """Named, as bars; a second press closes them."""
    browser.open(f"{served}/search?q=lighthouse+map")
    until(browser, HEADS)
    browser.click("#hits .under button")
    names = until(browser, "[...document.querySelectorAll('.bars dt')].map((each) => each.textContent)")
    assert "map" in names
    assert browser.run("return document.querySelector('.under button').getAttribute('aria-expanded')") == "true"
    browser.click("#hits .under button")
    until(browser, "document.querySelector('.bars').hidden")


def test_a_slip_is_mended_and_can_be_meant(served: str, browser: Browser):
    """What was carried out instead is said, with a way to what was typed."""
    browser.open(f"{served}/search?q=lighthuose")
    until(browser, SAID, lambda words: "Showing" in words)
    assert until(browser, HEADS)
    browser.click("#said button")
    until(browser, SAID, lambda words: "Nothing was found" in words)
    assert "t=0" in browser.run("return location.search")


def test_a_fault_is_said_and_the_page_goes_on(served: str, browser: Browser):
    """A filter of a column that is not there comes from an address that somebody wrote."""
    browser.open(f"{served}/search?q=map&f=%7B%22knd%22%3A1%7D")
    assert 'Did you mean "kind"' in until(browser, SAID)
    browser.open(f"{served}/search?q=map&f=%7B&p=-3")
    assert until(browser, HEADS)


def test_a_person_comes_in_with_the_token(browser: Browser):
    """By keys alone, and once."""
    with _running(TOKEN) as address:
        browser.cdp("Network.clearBrowserCookies")
        browser.open(f"{address}/search")
        until(browser, "document.querySelector('input[name=token]') === document.activeElement")
        browser.press(*TOKEN, "Enter")
        until(browser, FOCUS, lambda found: found == "q")
        browser.press(*"map")
        until(browser, HEADS)
        browser.cdp("Network.clearBrowserCookies")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 380])
def test_the_page_can_be_read_by_everybody(served: str, browser: Browser, scheme: str, width: int):
    """Every text stands out from what lies behind it, by day and by night, and nothing is cut off on a small screen."""
    browser.emulate(scheme=scheme, width=width)
    browser.open(f"{served}/search?q=lighthouse+map")
    until(browser, HEADS)
    browser.click("#hits .under button")
    until(browser, "document.querySelector('.bars')")
    browser.hover("#hits mark")  # a title takes another colour under the mouse
    texts, _ = browser.contrasts()
    assert texts[0][0] >= 4.5, texts[0]
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    browser.click("#hits .open")
    until(browser, "document.querySelector('dialog').open")
    assert browser.contrasts()[0][0][0] >= 4.5
    browser.emulate()
