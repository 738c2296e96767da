"""The review: pages for people over the queue, by keys and without, and nothing for anybody else."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest

from plimsoll.errors import RequestError
from plimsoll.policy.queue import APPEAL, ASKED, AUDIT, Item, Queue
from plimsoll.serve.address import listen
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.review import Reply, Review
from plimsoll.serve.server import server
from serving_toys import find, over, toy

if TYPE_CHECKING:
    from browser import Browser

TOKEN = "a-long-enough-token"
HOSTILE = '<script>document.title="owned"</script><img src=x onerror=alert(1)> "\'&'
HOME = {b"host": b"127.0.0.1:8000"}


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    made = Queue(tmp_path / "q.db")
    yield made
    made.close()


def waiting(queue: Queue, count: int = 3, **more: Any) -> None:
    """Events that one opinion settles."""
    told = {"outcome": "review", "by": ["perhaps hateful"], "because": ["It may attack people."]}
    items = [
        Item(
            f"e{k}",
            float(k),
            ASKED,
            {"text": f"message number {k}", "age": 3.0, "author": None},
            told,
            priority=-k,
            **more,
        )
        for k in range(40)
    ]
    queue.put(items)
    kept = [item for item in items if queue.find(item.id)[0].needs == 1][:count]  # type: ignore[index]
    for item in items:
        if item not in kept:
            with queue._whole() as run:
                run("DELETE FROM items WHERE id = ?", (item.id,))


def asked(
    review: Review, method: str, path: str, cookie: str = "", headers: dict[bytes, bytes] | None = None, **form: str
) -> Reply:
    told = {**HOME, **({b"cookie": cookie.encode()} if cookie else {}), **(headers or {})}
    return asyncio.run(review.reply(method, path, told, urlencode(form).encode()))


def entered(review: Review, name: str = "ann", **form: str) -> str:
    """The cookie of a reviewer who has come in."""
    reply = asked(review, "POST", "/review/login", name=name, **form)
    assert reply.status == 303
    return dict(reply.headers)[b"set-cookie"].decode().partition(";")[0]


def test_an_event_is_shown_decided_and_taken_back(queue: Queue):
    """The most urgent first; what was said is in the queue, and undone it waits again."""
    waiting(queue)
    review = Review(queue, ("hate", "fine"))
    cookie = entered(review)
    page = asked(review, "GET", "/review", cookie).body.decode()
    first = queue.next("ann", review.clock())
    assert first is not None
    assert f"message number {first.id[1:]}" in page
    assert "It may attack people." in page
    assert "<i>missing</i>" in page
    assert asked(review, "POST", f"/review/{first.id}", cookie, label="hate", note="slur").status == 303
    assert [label["label"] for label in queue.labels()] == ["hate"]
    assert asked(review, "POST", "/review/undo", cookie).status == 303
    assert not list(queue.labels())
    assert f"message number {first.id[1:]}" in asked(review, "GET", "/review", cookie).body.decode()


def test_two_reviewers_see_two_events(queue: Queue):
    """Neither waits for the other."""
    waiting(queue)
    review = Review(queue, ("hate", "fine"))
    one, other = (asked(review, "GET", "/review", entered(review, name)).body for name in ("ann", "bob"))
    assert one.partition(b"message number")[2][:3] != other.partition(b"message number")[2][:3]


def test_what_is_skipped_goes_behind_the_others(queue: Queue):
    """And to somebody else, if they are quicker."""
    waiting(queue, 2)
    review = Review(queue, ("hate", "fine"))
    cookie = entered(review)
    first = queue.next("ann", review.clock())
    asked(review, "POST", f"/review/{first.id}/skip", cookie)  # type: ignore[union-attr]
    assert queue.next("ann", review.clock()).id != first.id  # type: ignore[union-attr]


def test_a_word_that_is_no_choice_is_refused(queue: Queue):
    """So is an event that is not there, or was decided meanwhile; the page says so and shows the next."""
    waiting(queue)
    review = Review(queue, ("hate", "fine"))
    cookie = entered(review)
    number = queue.next("ann", review.clock()).id  # type: ignore[union-attr]
    assert b"Choose one" in asked(review, "POST", f"/review/{number}", cookie, label="maybe").body
    assert b"no event" in asked(review, "POST", "/review/none", cookie, label="hate").body
    asked(review, "POST", f"/review/{number}", cookie, label="hate")
    assert b"not yours" in asked(review, "POST", f"/review/{number}", entered(review, "bob"), label="fine").body


def test_nobody_comes_in_without_the_token(queue: Queue):
    """Nor with a cookie of their own making, nor with another reviewer's seal."""
    waiting(queue)
    review = Review(queue, ("hate", "fine"), TOKEN)
    assert b"Token" in asked(review, "GET", "/review").body
    wrong = asked(review, "POST", "/review/login", name="eve", token="guess")
    assert (wrong.status, b"not the right one" in wrong.body) == (403, True)
    cookie = entered(review, token=TOKEN)
    assert b"message number" in asked(review, "GET", "/review", cookie).body
    for forged in ("plimsoll-reviewer=eve.0", cookie.replace("ann", "eve"), "plimsoll-reviewer=", "x", cookie[:-1]):
        assert b"message number" not in asked(review, "GET", "/review", forged).body
        assert b"message number" not in asked(review, "POST", "/review/undo", forged).body
    other = Review(queue, ("hate", "fine"), TOKEN + "!")
    assert b"message number" not in asked(other, "GET", "/review", cookie).body


@pytest.mark.parametrize(
    "headers",
    [
        {b"sec-fetch-site": b"cross-site"},
        {b"sec-fetch-site": b"same-site"},
        {b"origin": b"https://evil.example"},
        {b"origin": b"null"},
    ],
)
def test_another_site_can_send_no_form(queue: Queue, headers: dict[bytes, bytes]):
    """Whatever cookie the browser would send with it."""
    waiting(queue)
    review = Review(queue, ("hate", "fine"))
    cookie = entered(review)
    with pytest.raises(RequestError, match="another site"):
        asked(review, "POST", "/review/undo", cookie, headers)
    with pytest.raises(RequestError, match="this machine alone"):
        asked(review, "GET", "/review", cookie, {b"host": b"evil.example"})


def test_what_is_in_an_event_stays_text(queue: Queue):
    """Names, values, reasons, notes: nothing of them becomes markup."""
    told = {"outcome": HOSTILE, "by": [HOSTILE], "because": [HOSTILE]}
    queue.put([Item("x", 0.0, APPEAL, {HOSTILE: HOSTILE, "b": HOSTILE * 3}, told, note=HOSTILE)])
    review = Review(queue, (HOSTILE,))
    page = asked(review, "GET", "/review", entered(review, HOSTILE)).body.decode()
    assert "<script>document" not in page
    assert "<img" not in page
    assert page.count("&lt;script&gt;") >= 6


def test_every_page_forbids_what_it_does_not_need(queue: Queue):
    """No script but its own, no frame, no memory of it in a cache."""
    reply = asked(Review(queue, ("a", "b")), "GET", "/review")
    headers = dict(reply.headers)
    assert b"default-src 'none'" in headers[b"content-security-policy"]
    assert (headers[b"cache-control"], headers[b"x-content-type-options"]) == (b"no-store", b"nosniff")


def test_an_appeal_comes_to_another_person(queue: Queue):
    """With its words, before all others; of what was never reviewed there is none."""
    waiting(queue)
    review = Review(queue, ("hate", "fine"))
    number = queue.next("ann", review.clock()).id  # type: ignore[union-attr]
    queue.decide(number, "ann", "hate", "", 1.0)
    assert review.appeal(number, "It was a joke.") == f"appeal-{number}"
    page = asked(review, "GET", "/review", entered(review, "bob")).body
    assert b"It was a joke." in page
    assert b"It was a joke." not in asked(review, "GET", "/review", entered(review, "ann")).body
    with pytest.raises(RequestError, match="no reviewed decision"):
        review.appeal("none", "")


def test_a_random_slice_says_that_it_is_one(queue: Queue):
    """So that nobody thinks that the policy suspects it."""
    queue.put([Item("a", 0.0, AUDIT, {"text": "hello there"}, {"outcome": "allow"}, 0.01)])
    review = Review(queue, ("hate", "fine"))
    page = asked(review, "GET", "/review", entered(review)).body
    assert b"Drawn at random" in page
    assert b"No rule asked for it." in page


@pytest.fixture
def served(queue: Queue, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server with these pages."""
    monkeypatch.setattr("plimsoll.catalogue.find", find)
    app = over(Answerer(toy()), review=Review(queue, ("hate", "offensive", "fine")))
    made = server(app)
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=made.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        made.should_exit = True
        thread.join()


def _until(browser: Browser, selector: str, there: Callable[[str], bool]) -> str:
    """The words of a part of the page, once they are what is waited for; a page that is being loaded has none."""
    end, words = time.monotonic() + 10.0, ""
    while time.monotonic() < end:
        with suppress(RuntimeError):
            words = browser.text(selector)
            if there(words):
                return words
    raise AssertionError(f"{selector} still says {words!r}")


def test_a_person_reviews_by_keys_alone(served: str, queue: Queue, browser: Browser):
    """Comes in, decides, takes it back, skips, gives a reason: in a real browser, with no hand on the mouse."""
    waiting(queue)
    browser.cdp("Network.clearBrowserCookies")
    browser.open(f"{served}/review")
    _until(browser, "body", bool)  # keys that come before the page are nobody's
    browser.press(*"ann", "Enter")
    first = _until(browser, ".text", lambda words: "message number" in words)
    browser.press("2")
    _until(browser, ".text", lambda words: words != first)
    assert [label["label"] for label in queue.labels()] == ["offensive"]
    browser.press("u")
    _until(browser, ".text", lambda words: words == first)
    assert not list(queue.labels())
    browser.press("s")
    second = _until(browser, ".text", lambda words: words != first)
    browser.press("n", *"so", "Enter")  # which decides nothing: one of the buttons must be meant
    assert not list(queue.labels())
    browser.press("Escape", "1")
    _until(browser, ".text", lambda words: words not in (first, second))
    assert [(label["text"], label["label"]) for label in queue.labels()] == [(second, "hate")]
    found = queue.find(next(iter(_decided(queue))))
    assert found is not None
    assert found[1][0].note == "so"
    assert browser.errors() == []


def _decided(queue: Queue) -> list[str]:
    with queue._whole() as run:
        return [row[0] for row in run("SELECT item FROM verdicts WHERE undone = 0")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_can_be_read_by_everybody(served: str, queue: Queue, browser: Browser, scheme: str):
    """Every text stands out from what lies behind it, by day and by night, and nothing is cut off on a small screen."""
    waiting(queue)
    browser.cdp("Network.clearBrowserCookies")
    browser.emulate(scheme=scheme, width=380)
    browser.open(f"{served}/review")
    _until(browser, "body", bool)
    browser.press(*"ann", "Enter")
    _until(browser, ".text", lambda words: "message number" in words)
    texts, _ = browser.contrasts()
    assert texts[0][0] >= 4.5, texts[0]
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    browser.emulate()


def test_an_appeal_is_made_over_http(served: str, queue: Queue):
    """As JSON, by whoever runs the product; a mistake is told with its place."""
    import urllib.error
    import urllib.request

    waiting(queue)
    number = queue.next("ann", 1.0).id  # type: ignore[union-attr]
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{served}/appeal", json.dumps({"id": number, "because": "no"}).encode()) as reply:
        assert (reply.status, json.load(reply)) == (202, {"id": f"appeal-{number}"})
    for wrong, status in ((b"{}", 422), (b'{"id": "none"}', 404), (b"x", 400)):
        with pytest.raises(urllib.error.HTTPError) as told:
            opener.open(f"{served}/appeal", wrong)
        assert told.value.code == status
        told.value.close()
