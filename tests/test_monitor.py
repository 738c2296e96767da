"""The server's own watch: beside the answers, in bounded memory, over HTTP, through swaps and restarts; and its page."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

from plimsoll import cli
from plimsoll.bundle import Bundle, read, write
from plimsoll.errors import RequestError, UserError
from plimsoll.report import watched
from plimsoll.serve import monitor as monitors
from plimsoll.serve.address import listen
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.app import App
from plimsoll.serve.gate import Gate
from plimsoll.serve.house import assemble
from plimsoll.serve.monitor import Monitor, saved
from plimsoll.serve.routes import Keys
from plimsoll.serve.served import Served
from plimsoll.serve.server import server
from plimsoll.serve.version import Version
from serving_toys import find
from test_app import ask, child
from watched_toys import body, events, sketched

if TYPE_CHECKING:
    from browser import Browser

PREDICT = b"/predict"
HOSTILE = '<script>document.title="owned"</script><img src=x onerror=alert(1)> "\'&'


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plimsoll.catalogue.find", find)


def made(bundle: Bundle | None = None, place: Path | None = None, token: str | None = None) -> tuple[App, Served]:
    """The app over a bundle; what is told is always fresh."""
    app, served = assemble(Version(Answerer(bundle or sketched())), Keys(token), watch=place)
    app.monitor._fresh = 0.0
    return app, served


def sent(app: App, rows: list[dict[str, Any]], size: int = 100) -> list[dict[str, Any]]:
    """The answers to rows, asked some at a time, and looked at."""
    found: list[dict[str, Any]] = []
    for start in range(0, len(rows), size):
        found += json.loads(app.desk.answer(body(rows[start : start + size]), PREDICT))
        app.monitor.drain()
    return found


def told(app: App, **headers: str) -> dict[str, Any]:
    status, _, text = ask(app, "GET", "/watch", **headers)
    assert status == 200
    found: dict[str, Any] = json.loads(text)
    return found


def test_what_is_answered_is_watched():
    """Rows as the bundle knows them are calm; others raise an alarm, and Prometheus is told."""
    app, _ = made()
    sent(app, events(1, 500))
    assert (told(app)["rows"], told(app)["alarms"]) == (500, [])
    sent(app, events(2, 2_000, moved=True))
    found = told(app)
    assert found["columns"][0]["name"] == "age"
    assert re.match(r"age: median 4\d(\.\d+)?, was 37; ", found["alarms"][0])
    text = ask(app, "GET", "/metrics")[2].decode()
    assert re.search(r'^plimsoll_drift_psi\{column="age"\} \d', text, re.MULTILINE)
    assert re.search(rf"^plimsoll_alarms {len(found['alarms'])}$", text, re.MULTILINE)
    assert "plimsoll_requests_total" in text


def test_labels_tell_how_well_it_does():
    """Answers sent back with what turned out true: right ones are no alarm, wrong ones are."""
    app, _ = made()
    answers = sent(app, events(1, 400))
    for start in range(0, 400, 200):
        pairs = [{"answer": each, "truth": each["prediction"]} for each in answers[start : start + 200]]
        status, _, text = ask(app, "POST", "/feedback", body(pairs))
        assert (status, json.loads(text)) == (202, {"labels": start + 200})
    found = told(app)
    assert (found["score"]["metric"], found["score"]["value"], found["alarms"]) == ("accuracy", 1.0, [])
    wrong = [{"answer": each, "truth": "yes" if each["prediction"] == "no" else "no"} for each in answers[:150]]
    ask(app, "POST", "/feedback", body(wrong))
    assert told(app)["alarms"][0].startswith("Worse than on the test rows: accuracy 0.7")
    assert ask(app, "POST", "/feedback", json.dumps(pairs[0]).encode())[0] == 202


GOOD = {"prediction": "no", "probabilities": {"no": 0.9, "yes": 0.1}}


@pytest.mark.parametrize(
    ("told", "status", "path"),
    [
        (b"{", 400, "$"),
        (b"3", 422, "$"),
        ({"answer": GOOD}, 422, "$"),
        ({"answer": GOOD, "truth": "yes", "id": 3}, 422, "$"),
        ({"answer": GOOD, "truth": "ye"}, 422, "$.truth"),
        ({"answer": GOOD, "truth": True}, 422, "$.truth"),
        ([{"answer": GOOD, "truth": "no"}, {"answer": {}, "truth": "no"}], 422, "$[1].answer.probabilities"),
        ({"answer": {"probabilities": {"no": 1.0}}, "truth": "no"}, 422, "$.answer.probabilities"),
        ({"answer": {"probabilities": {"no": "x", "yes": 1}}, "truth": "no"}, 422, "$.answer.probabilities.no"),
        ({"answer": {"probabilities": {"no": 0.9, "yes": 0.9}}, "truth": "no"}, 422, "$.answer.probabilities"),
        ({"answer": {"probabilities": {"no": -0.5, "yes": 1.5}}, "truth": "no"}, 422, "$.answer.probabilities"),
        ([{"answer": GOOD, "truth": "no"}] * 1_001, 413, "$"),
        (b"[" * 100_000, 422, "$"),
    ],
)
def test_feedback_that_cannot_be_is_told_its_place(told: Any, status: int, path: str):
    """And nothing of it is taken."""
    app, _ = made()
    found, _, text = ask(app, "POST", "/feedback", told if isinstance(told, bytes) else json.dumps(told).encode())
    assert (found, json.loads(text)["error"]["path"]) == (status, path)
    assert app.monitor.state()["labels"] == 0


def test_a_number_takes_numbers_as_its_truth():
    """Neither a text nor true, which Python takes for one."""
    app, _ = made(sketched(()))
    for wrong in ("3", True, None):
        assert (
            ask(app, "POST", "/feedback", json.dumps({"answer": {"prediction": 1.0}, "truth": wrong}).encode())[0]
            == 422
        )
    assert ask(app, "POST", "/feedback", b'{"answer": {"prediction": 1.5}, "truth": 2}')[0] == 202


def test_nothing_of_a_row_is_kept():
    """What is held, and what is told, has no word of what was sent."""
    app, _ = made()
    secret = [{**row, "note": "my-own-secret-words", "job": "spy-number-seven"} for row in events(1, 300)]
    sent(app, secret)
    assert not app.monitor._waiting
    held = json.dumps([app.monitor.state(), told(app)])
    assert "secret" not in held
    assert "spy" not in held


def test_a_token_is_asked_for():
    """Who may ask for predictions may ask what was watched; nobody else."""
    app, _ = made(token="a-long-enough-token")
    for method, path in (("GET", "/watch"), ("POST", "/feedback")):
        assert ask(app, method, path)[0] == 401
    assert told(app, authorization="Bearer a-long-enough-token")["rows"] == 0


def test_under_load_some_are_passed_over_and_counted(monkeypatch: pytest.MonkeyPatch):
    """What waits is bounded in number and in bytes, whoever asks."""
    app, _ = made()
    one = body(events(1, 1))
    for _ in range(monitors._MOST_WAITING + 50):
        app.desk.answer(one, PREDICT)
    assert len(app.monitor._waiting) == monitors._MOST_WAITING
    found = told(app)
    assert (found["rows"], found["passed_over"]) == (monitors._MOST_WAITING, 50)
    monkeypatch.setattr(monitors, "_MOST_BYTES", 10)
    app.desk.answer(one, PREDICT)
    assert not app.monitor._waiting


def test_it_looks_when_there_is_time():
    """With a loop that turns, nobody need ask for it."""
    app, _ = made()

    async def turn() -> None:
        for row in events(1, 150):
            app.desk.answer(body([row]), PREDICT)
        end = monotonic() + 60.0  # where others take the cores a look is slow, and the pause after it long
        while app.monitor._waiting and monotonic() < end:
            await asyncio.sleep(0.02)

    asyncio.run(turn())
    assert app.monitor.state()["rows"] == 150


def test_another_version_is_watched_anew():
    """Its rows are held against its own sketches, and what waited for the version before is not counted to it."""
    app, served = made()
    sent(app, events(1, 300, moved=True))
    app.desk.answer(body(events(1, 1)), PREDICT)
    served.swap(Version(Answerer(sketched(digest="d2"))))
    assert (told(app)["digest"], told(app)["rows"], told(app)["alarms"]) == ("d2", 0, [])
    sent(app, events(1, 50))
    assert told(app)["rows"] == 50


def test_answers_of_a_canary_are_not_taken_for_the_bundles():
    """While another answers a share, rows are counted and answers are not."""
    app, served = made()
    served.challenge(Version(Answerer(sketched(digest="d2"))), share=0.5)
    sent(app, events(1, 200))
    found = told(app)
    assert found["columns"][0]["rows"] == 200
    assert found["answers"][0]["rows"] == 0


def test_decisions_are_watched_like_predictions(tmp_path: Path):
    """A policy's events have the columns of the model, and more."""
    from plimsoll.policy.reading import read as read_policy

    (tmp_path / "policy.toml").write_text(
        'name = "p"\nversion = "1"\noutcomes = ["block", "allow"]\n[fields]\nwho = "category"\n'
        '[[rules]]\nname = "r"\nwhen = "score(\'yes\') > 0.9"\nthen = "block"\n'
    )
    answerer = Answerer(sketched())
    gate = Gate(read_policy(tmp_path / "policy.toml", answerer.schema), answerer)
    app, _ = assemble(Version(answerer, gate))
    app.monitor._fresh = 0.0
    for row in events(1, 120):
        app.desk.answer(body([{**row, "who": "ann"}]), b"/decide")
    found = told(app)
    assert (found["rows"], found["answers"][0]["rows"]) == (120, 120)
    decided = json.loads(app.desk.answer(body([events(1, 1)[0]]), b"/decide"))[0]
    assert ask(app, "POST", "/feedback", json.dumps({"answer": decided, "truth": "no"}).encode())[0] == 202


def test_a_bundle_whose_facts_cannot_be_is_served_but_not_watched():
    """It answers as ever, and says why nothing is watched."""
    app, _ = made(sketched(sketches={"age": {"missing": 3.0}}))
    assert sent(app, events(1, 3))
    status, _, text = ask(app, "GET", "/watch")
    assert (status, "facts: the sketch of" in json.loads(text)["error"]["message"]) == (404, True)
    assert ask(app, "POST", "/feedback", b"{}")[0] == 404
    assert ask(app, "GET", "/metrics")[0] == 200


def test_a_restart_forgets_nothing(tmp_path: Path):
    """What was watched is in the file at the end, and the next server goes on from it; another bundle begins anew."""
    place = tmp_path / "watched.json"
    app, _ = made(place=place)
    with saved(app.monitor):
        sent(app, events(1, 300))
        app.desk.answer(body(events(2, 1)), PREDICT)
    again, _ = made(place=place)
    assert again.monitor.state() == app.monitor.state()
    assert again.monitor.state()["rows"] == 301
    other, _ = made(sketched(digest="d2"), place)
    assert other.monitor.state()["rows"] == 0


def test_the_file_is_written_while_it_serves(tmp_path: Path):
    """Now and then, whole: whoever reads it finds one state or the next."""
    app, _ = made(place=tmp_path / "watched.json")
    with saved(app.monitor, every=0.01):
        sent(app, events(1, 10))
        end = threading.Event()
        for _ in range(300):
            if (tmp_path / "watched.json").exists() and json.loads((tmp_path / "watched.json").read_bytes())[
                "rows"
            ] == 10:
                break
            end.wait(0.01)
        else:
            raise AssertionError("nothing was written")


def test_a_server_told_to_stop_leaves_its_state(tmp_path: Path):
    """By SIGTERM, as whoever runs services tells it; and the process ends well."""
    write(tmp_path / "bundle", sketched())
    place = tmp_path / "watched.json"
    words = ["serve", str(tmp_path / "bundle"), "--port", "0", "--watch", str(place)]
    process = subprocess.Popen(child("plimsoll", *words), stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    found = re.search(r"http://127\.0\.0\.1:\d+$", process.stderr.readline())
    assert found
    assert asked(f"{found[0]}/predict", body(events(1, 7)))[0] == 200
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    process.stderr.close()
    assert json.loads(place.read_bytes())["rows"] == 7


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"digest": "d1"}', b"\xff\xfe", b"[" * 100_000])
def test_a_torn_or_hostile_file_is_one_clear_error(tmp_path: Path, text: bytes):
    """The server does not begin, and says which file and what to do."""
    (tmp_path / "watched.json").write_bytes(text)
    with pytest.raises(
        UserError, match=r"^--watch .*watched\.json: cannot be gone on from: .* Name another file, or remove it\.$"
    ):
        made(place=tmp_path / "watched.json")


def test_a_file_that_cannot_be_written_is_said_at_once(tmp_path: Path):
    """And not after an hour."""
    app, _ = made(place=tmp_path / "nowhere" / "watched.json")
    with pytest.raises(UserError, match="cannot be written"), saved(app.monitor):
        pass


def test_nothing_watched_is_not_found():
    """A monitor alone says so too."""
    monitor = Monitor(Served(Version(Answerer(sketched(metrics=[{}])))))
    with pytest.raises(RequestError, match="nothing is watched"):
        asyncio.run(monitor.told())


@contextmanager
def running(app: App) -> Iterator[str]:
    """The address of a server with this app."""
    server_ = server(app)
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server_.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server_.should_exit = True
            thread.join()


def asked(url: str, data: bytes | None = None, **headers: str) -> tuple[int, dict[str, str], bytes]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, data, headers), timeout=30) as reply:
        return reply.status, dict(reply.headers), reply.read()


def test_over_a_socket_rows_labels_and_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """From requests on the short way to the alarm in a terminal, with the token from the environment."""
    token = "a-long-enough-token"
    bearer = {"Authorization": f"Bearer {token}"}
    app, _ = made(token=token)
    monkeypatch.setenv("no_proxy", "*")
    with running(app) as url:
        answers: list[Any] = []
        for row in events(1, 150):
            answers.append(json.loads(asked(f"{url}/predict", json.dumps(row).encode(), **bearer)[2]))
        pairs = [{"answer": each, "truth": "yes" if each["prediction"] == "no" else "no"} for each in answers]
        assert asked(f"{url}/feedback", body(pairs), **bearer)[0] == 202
        assert cli.main(["watch", url]) == 2
        assert "asks for a token" in capsys.readouterr().err
        monkeypatch.setenv("PLIMSOLL_TOKEN", token)
        assert cli.main(["watch", url, "--out", str(tmp_path / "watch.html")]) == 3
        said = capsys.readouterr().out
        assert said.startswith(
            "1 alarm: 150 rows looked at, 150 labels.\n  ! Worse than on the test rows: accuracy 0.0"
        )
        assert "<!doctype html>" in (tmp_path / "watch.html").read_text(encoding="utf-8")
        with pytest.raises(urllib.error.HTTPError) as fault:
            asked(f"{url}/watch")
        assert fault.value.code == 401
        fault.value.close()


@pytest.fixture
def alarmed() -> Iterator[str]:
    """The address of a server that has alarms, labels, and a class with a name that would like to be markup."""
    app, _ = made(sketched(("no", HOSTILE)))
    answers = sent(app, events(3, 600, moved=True))
    pairs = [{"answer": each, "truth": each["prediction"]} for each in answers]
    ask(app, "POST", "/feedback", body(pairs))
    with running(app) as url:
        yield url


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [380, 1280])
def test_the_page_can_be_read_by_everybody(alarmed: str, browser: Browser, scheme: str, width: int):
    """By day and by night, on a small screen and a large one: texts and marks stand out, and nothing is cut off or fetched."""
    browser.emulate(scheme=scheme, width=width)
    browser.open(f"{alarmed}/watch")
    assert "alarm" in browser.text("h1")
    browser.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert "at training time" in browser.text(".alarm table")
    texts, marks = browser.contrasts(".columns .now, .columns .was")
    assert texts[0][0] >= 4.5, texts[0]
    assert marks[0][0] >= 3.0, marks[0]
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    assert browser.run("return document.title") != "owned"
    assert browser.run("return document.querySelectorAll('.columns li').length") >= 6
    assert browser.errors() == []
    assert [url for url in browser.requests() if not url.startswith(("data:", alarmed))] == []
    browser.emulate()


def test_the_page_is_for_browsers_and_json_for_programs(alarmed: str):
    """By what was asked for; the page's policy lets in its own style and nothing else."""
    _, headers, page = asked(f"{alarmed}/watch", Accept="text/html,application/xhtml+xml")
    assert headers["content-type"].startswith("text/html")
    assert headers["content-security-policy"] == watched.policy()
    assert b"<script" not in page
    assert json.loads(asked(f"{alarmed}/watch", Accept="application/json")[2])["rows"] == 600


def test_a_saved_state_is_read_with_its_bundle(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """What a server left says the same without the server; of another bundle it is refused in one line."""
    write(tmp_path / "bundle", sketched())
    write(tmp_path / "other", sketched(created="2027-01-01T00:00:00Z"))
    app, _ = made(read(tmp_path / "bundle"), tmp_path / "watched.json")
    with saved(app.monitor):
        sent(app, events(1, 800, moved=True))
    assert cli.main(["watch", str(tmp_path / "bundle"), str(tmp_path / "watched.json"), "--json"]) == 3
    assert json.loads(capsys.readouterr().out) == told(app)
    assert cli.main(["watch", str(tmp_path / "other"), str(tmp_path / "watched.json")]) == 2
    assert "is of another bundle" in capsys.readouterr().err
