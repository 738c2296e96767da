"""``plimsoll admin``: what a server answers with, as a person reads it, and clear words where it cannot be asked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from plimsoll.cli import main
from plimsoll.serve.address import listen
from plimsoll.serve.house import Orders, build
from plimsoll.serve.rival import Side
from plimsoll.serve.routes import Keys
from plimsoll.serve.served import Served
from plimsoll.serve.server import server
from plimsoll.serve.version import Origin
from serving_toys import find
from test_served import ADMIN, bodies, here, says

__all__ = ["here"]


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plimsoll.catalogue.find", find)
    monkeypatch.setenv("PLIMSOLL_ADMIN_TOKEN", ADMIN)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def running(here: Path) -> Iterator[tuple[str, Served]]:
    house = build(Orders(Origin(Path("one"), Path("policy.toml")), keys=Keys(None, ADMIN)))
    made = server(house.app)
    with listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=made.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", house.served
        made.should_exit = True
        thread.join()


def test_what_is_served_is_shown_and_changed(running: tuple[str, Served], capsys: pytest.CaptureFixture[str]):
    """In lines that a person reads: versions, and how a candidate compares."""
    url, served = running
    assert main(["admin", url]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("answers now  one (")
    assert shown.endswith("under policy.toml\n")
    assert main(["admin", url, "swap", "two"]) == 0
    assert capsys.readouterr().out.splitlines()[1].startswith("before       one (")
    assert main(["admin", url, "rollback"]) == 0
    assert main(["admin", url, "candidate", "two", "--share", "0.25"]) == 0
    assert "25% of the requests" in capsys.readouterr().out
    assert main(["admin", url, "candidate", "two"]) == 0
    assert "/predict: nothing has been compared yet." in capsys.readouterr().out
    side = served.ways[b"/predict"]
    assert isinstance(side, Side)
    for body in bodies(40):
        says(served, body)
    side.compare()
    assert main(["admin", url]) == 0
    shown = capsys.readouterr().out
    assert f"/predict: {side.told.same} of 40 the same" in shown
    assert " → " in shown
    assert "mean time" in shown
    assert main(["admin", url, "promote", "--json"]) == 0
    assert '"rival": null' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["swap", "none"], "none: "),
        (["swap", "/etc"], "--swap-from DIR"),
        (["candidate", "two", "--share", "7"], "$.share: expected a share"),
        (["rollback"], "no version to go back to"),
        (["rollback", "two"], "rollback needs no more words"),
    ],
)
def test_what_the_server_refuses_is_one_line(
    running: tuple[str, Served], words: list[str], says: str, capsys: pytest.CaptureFixture[str]
):
    """With exit code 2."""
    assert main(["admin", running[0], *words]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert says in said


def test_a_server_that_cannot_be_asked_is_one_line(
    running: tuple[str, Served], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """No server, no address, no token, the wrong one."""
    for url in ("http://127.0.0.1:1", "127.0.0.1:8000", "file:///etc/passwd"):
        assert main(["admin", url]) == 2
    assert main(["admin", f"{running[0]}/elsewhere"]) == 2
    monkeypatch.setenv("PLIMSOLL_ADMIN_TOKEN", "another-token-of-some-length")
    assert main(["admin", running[0]]) == 2
    monkeypatch.delenv("PLIMSOLL_ADMIN_TOKEN")
    assert main(["admin", running[0]]) == 2
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 6
    assert "refuses the token" in said[4]
