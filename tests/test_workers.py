"""Several processes behind one address: they answer as one, follow what one of them is told, and are begun again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from plimsoll import bundle
from plimsoll.admin_command import asked
from plimsoll.errors import UserError
from plimsoll.policy.records import lines, verify
from plimsoll.serve.answerer import Answerer
from serving_toys import find, write_two
from test_app import child, fetch
from test_gate import TEXT

ROW = b'{"age": 39, "job": "cook"}'
ADMIN = "an-admin-token-of-some-length"


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plimsoll.catalogue.find", find)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.toml").write_text(TEXT)
    rules = TEXT.replace('[counters.lately]\nby = "author"\nwithin = "1 min"\n', "").replace("lately > 2", "age > 50")
    (tmp_path / "rules.toml").write_text(rules)
    write_two(tmp_path)
    return tmp_path


class Running:
    """``plimsoll serve`` with two workers."""

    def __init__(self, *words: str) -> None:
        env = {**os.environ, "PLIMSOLL_ADMIN_TOKEN": ADMIN}
        self.process = subprocess.Popen(
            child("plimsoll", "serve", *words, "--port", "0", "--workers", "2", "--p99", "1 s"),
            stderr=subprocess.PIPE, text=True, env=env, start_new_session=True,
        )  # fmt: skip
        assert self.process.stderr is not None
        self.said = self.process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", self.said)
        assert found, self.said + self.process.stderr.read()
        self.port = int(found[1])
        self.url = f"http://127.0.0.1:{self.port}"

    def admin(self, do: str, **words: Any) -> dict[str, Any]:
        return asked(self.url, do, None if do == "show" else words, ADMIN)

    def workers(self) -> list[int]:
        """The processes that answer."""
        found = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True, check=False)
        return [int(line) for line in found.stdout.split()]

    def until_all(self) -> None:
        for _ in range(400):
            if self.admin("show")["workers"] == 2:
                return
            time.sleep(0.05)
        raise AssertionError("the second worker never came")

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(30)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code


@pytest.fixture
def running(here: Path) -> Iterator[Running]:
    server = Running("one", "--policy", "rules.toml", "--records", "r")
    server.until_all()
    yield server
    with suppress(ProcessLookupError):
        os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()
    if server.process.stderr is not None:
        server.process.stderr.close()


def test_a_change_that_one_is_told_all_make(running: Running):
    """Once it is confirmed no worker answers as before; counts are those of all; what is told at the end is the end."""
    answers = {name: Answerer(bundle.read(Path(name))).answer(ROW) for name in ("one", "two")}
    assert {fetch(running.port, "POST", "/predict", ROW) for _ in range(30)} == {(200, answers["one"])}
    for k in range(4):
        running.admin("swap", bundle=("two", "one")[k % 2])
        assert {fetch(running.port, "POST", "/predict", ROW)[1] for _ in range(30)} == {answers[("two", "one")[k % 2]]}
    running.admin("rollback")
    assert {fetch(running.port, "POST", "/predict", ROW)[1] for _ in range(30)} == {answers["two"]}
    time.sleep(0.5)
    text = fetch(running.port, "GET", "/metrics")[1].decode()
    assert 'plimsoll_requests_total{status="200"} 180' in text
    with pytest.raises(UserError, match="none: "):
        running.admin("swap", bundle="none")
    assert running.end() == 0
    assert running.workers() == []


def test_a_worker_that_dies_is_begun_again_where_the_others_are(running: Running):
    """With the version that was swapped in since, and what the dead one had counted."""
    running.admin("swap", bundle="two")
    for _ in range(20):
        fetch(running.port, "POST", "/predict", ROW)
    time.sleep(0.5)
    before = set(running.workers())
    os.kill(min(before), signal.SIGKILL)
    for _ in range(200):
        if len(running.workers()) == 2 and set(running.workers()) != before:
            break
        time.sleep(0.05)
    assert set(running.workers()) != before
    time.sleep(1.0)
    answer = Answerer(bundle.read(Path("two"))).answer(ROW)
    assert {fetch(running.port, "POST", "/predict", ROW)[1] for _ in range(40)} == {answer}
    time.sleep(0.5)
    assert 'plimsoll_requests_total{status="200"} 60' in fetch(running.port, "GET", "/metrics")[1].decode()


def test_no_request_fails_while_versions_are_swapped(running: Running):
    """Every answer is that of one version or the other; and every decision is in the chain of the worker that made it."""
    known = {Answerer(bundle.read(Path(name))).answer(ROW) for name in ("one", "two")}
    stop, got, faults = threading.Event(), [0], []

    def ask() -> None:
        while not stop.is_set():
            try:
                status, body = fetch(running.port, "POST", "/predict", ROW)
                decided = fetch(running.port, "POST", "/decide", b'{"age": 3, "author": "ann"}')[0]
            except OSError as fault:
                faults.append(repr(fault))
                continue
            if (status, decided) != (200, 200) or body not in known:
                faults.append(f"{status} {decided} {body!r}")
            got[0] += 1

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for k in range(25):
        running.admin("swap", bundle=("two", "one")[k % 2])
        running.admin("rollback")
    stop.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert got[0] > 50
    assert running.end() == 0
    chains = [Path("r/worker-1"), Path("r/worker-2")]
    assert sum(verify(chain)[0] for chain in chains) == got[0]
    assert len({line["bundle"] for chain in chains for _, line in lines(chain)}) == 2


def test_a_candidate_is_compared_by_all(running: Running):
    """What is shown is the sum of what they counted, whoever is asked."""
    running.admin("candidate", bundle="two")
    for age in range(40):
        fetch(running.port, "POST", "/predict", b'{"age": %d}' % age)
    for _ in range(100):
        told = running.admin("show")["rival"]["compared"]["/predict"]
        if told["compared"] == 40:
            break
        time.sleep(0.05)
    assert told["compared"] == told["seconds"]["rival"]["count"] == 40
    assert told["same"] + sum(change["count"] for change in told["changes"]) == 40


def test_a_policy_that_counts_has_one_worker(here: Path):
    """For each would count for itself."""
    words = child("plimsoll", "serve", "one", "--policy", "policy.toml", "--port", "0", "--workers", "2")
    found = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert found.returncode == 2
    assert "lately counts events, and each worker would count its own. Write --workers 1." in found.stderr
    assert "Traceback" not in found.stderr


def test_what_is_wrong_is_said_once(here: Path):
    """However many workers there would be."""
    words = child("plimsoll", "serve", "none", "--port", "0", "--workers", "3")
    found = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert found.returncode == 2
    assert found.stderr == "none: cannot be read: No such file or directory.\n"
