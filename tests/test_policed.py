"""A server with a policy, put together from files: it decides, keeps, queues and says what is wrong before it serves."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plimsoll import bundle
from plimsoll.cli import main
from plimsoll.errors import PolicyError
from plimsoll.policy.records import lines, verify
from plimsoll.serve.address import listen
from plimsoll.serve.house import Orders, build
from plimsoll.serve.server import server
from plimsoll.serve.version import Origin
from serving_toys import find, toy
from test_gate import TEXT, event

TRUTH = '[truth]\ncolumn = "income"\n[truth.right]\nblock = ["yes"]\n'


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plimsoll.catalogue.find", find)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.toml").write_text(TEXT)
    bundle.write(tmp_path / "bundle", toy())
    return tmp_path


def orders(here: Path, records: Path | None = None, queue: str | None = None, rates: Path | None = None) -> Orders:
    return Orders(Origin(here / "bundle", here / "policy.toml", rates), records, queue)


@pytest.fixture
def place(here: Path) -> Iterator[str]:
    """The address of a server with all of a policy."""
    house = build(orders(here, here / "decisions", str(here / "review.db")))
    made = server(house.app)
    with listen("127.0.0.1", 0) as listener, house.keeping():
        thread = threading.Thread(target=made.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        made.should_exit = True
        thread.join()


def asked(address: str, body: bytes | None = None) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(address, body, {"content-type": "application/json"})
    with opener.open(request) as reply:
        return reply.read()


def test_a_server_decides_keeps_and_shows_who_reviews(place: str, here: Path):
    """Every decision that was answered is in the records once the server has ended, and the page of the review is there."""
    numbers = [json.loads(asked(f"{place}/decide", event(f"a{k % 3}")))["id"] for k in range(30)]
    numbers += [each["id"] for each in json.loads(asked(f"{place}/decide", b"[" + event() + b"," + event() + b"]"))]
    assert len(set(numbers)) == 32
    assert b"Your name" in asked(f"{place}/review")
    assert "prediction" in json.loads(asked(f"{place}/predict", b'{"age": 3}'))


def test_what_was_answered_is_on_the_disk_when_the_server_has_ended(here: Path):
    """To the last decision, in its order."""
    house = build(orders(here, here / "r"))
    gate = house.served.now.gate
    assert gate is not None
    with house.keeping():
        numbers = [json.loads(gate.answer(event()))["id"] for _ in range(200)]
    assert verify(here / "r") == (200, 0)
    assert [f"{line['n']}-{line['chain']}" for _, line in lines(here / "r")] == numbers


def test_reviewers_are_asked_for_what_the_model_learns(here: Path):
    """Its classes, where the policy's truth is told in them; else one of the outcomes that a person can choose."""
    for text, expected in ((TEXT, ("block", "allow")), (TEXT + TRUTH, ("no", "yes"))):
        (here / "policy.toml").write_text(text)
        review = build(orders(here, None, f"{len(text)}.db")).review
        assert review is not None
        assert review.choices == expected
        review.queue.close()


@pytest.mark.parametrize(
    "content", ["x", "[]", "{}", '{"rates": 3}', '{"rates": {"likely": "often"}}', '{"rates": {}, "digest": "other"}']
)
def test_rates_of_anything_else_are_refused(here: Path, content: str):
    """Of no backtest, or of one of another version."""
    Path("rates.json").write_text(content)
    with pytest.raises(PolicyError, match=r"rates\.json: is "):
        build(orders(here, rates=Path("rates.json")))


def test_a_fault_is_told_before_anything_is_served(here: Path, capsys: pytest.CaptureFixture[str]):
    """In one line, with exit code 2."""
    assert main(["serve", "bundle", "--port", "0", "--records", "r"]) == 2
    assert "--records is of a policy" in capsys.readouterr().err
    (here / "policy.toml").write_text(TEXT.replace("job ==", "jobb =="))
    assert main(["serve", "bundle", "--port", "0", "--policy", "policy.toml"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
