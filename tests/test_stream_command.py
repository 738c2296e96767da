"""``plimsoll stream``: a recording is sent as a sensor would, here and to a server, with what is planted on its way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from plimsoll import stream_command, stream_ends, stream_text
from plimsoll.bundle import write
from plimsoll.cli import main
from plimsoll.events import Rule
from plimsoll.planted import Faults, plan
from plimsoll.serve.session import Session
from plimsoll.stream_text import Heard
from stream_toys import RATE, signal, toy
from test_stream_socket import TOKEN, serving

SAMPLES, LABELS = signal(9.0, seed=5)
FAST = ("--speed", "60")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, and a table of three recordings: two of P01, one of P02."""
    made = tmp_path_factory.mktemp("streams")
    write(made / "bundle", toy())
    np.savez(made / "signals.npz", emg=SAMPLES, labels=LABELS, rate=np.array(RATE))
    rows = ["who,start,length", "P01,0,300", "P01,300,300", "P02,600,300"]
    (made / "recordings.csv").write_text("\n".join(rows) + "\n")
    return made


@pytest.fixture(scope="module")
def ruled(folder: Path) -> Path:
    """The same bundle with a rule that decides on events."""
    write(folder / "ruled", toy(rule=Rule(threshold=0.6, votes=2, hold=0.3, rest=0)))
    return folder


def told(folder: Path, capsys: pytest.CaptureFixture[str], *more: str) -> list[dict[str, Any]]:
    """The lines of ``--json``."""
    words = ["stream", str(folder / "bundle"), "--from", str(folder / "recordings.csv"), "--json", *FAST, *more]
    assert main(words) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def moments(lines: list[dict[str, Any]]) -> list[tuple[float, Any]]:
    return [(line["moment"]["at"], line["moment"]["prediction"]) for line in lines if "moment" in line]


def whole(samples: Any) -> list[tuple[float, Any]]:
    bundle = toy()
    found = json.loads(msgspec.json.encode(Session(bundle, bundle.model()).step(samples)))
    return [(moment["at"], moment["prediction"]) for moment in found]


class Clock:
    """A clock of the test's own: each look at it takes ten microseconds, and whoever sleeps wakes when they asked to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def perf_counter(self) -> float:
        self.now += 1e-5
        return self.now

    thread_time = perf_counter

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_a_recording_is_told_moment_by_moment(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """The first row where none is named; each moment has a delay, and the end a summary.

    At sixty times the rate a millisecond in which a machine is busy is a rush of six packets, and many of them are a clock
    that drifts: the clock is the test's own, and nothing at all happens on the way.
    """
    clock = Clock()
    for module in (stream_command, stream_ends):
        monkeypatch.setattr(module, "time", clock)
    lines = told(folder, capsys)
    assert moments(lines) == whole(SAMPLES[:300])
    found = lines[-1]["summary"]
    assert (found["seconds"], found["moments"]) == (3.0, 57)
    assert found["faults"] == {}
    assert all(0 < line["moment"]["delay"] < 1e-3 for line in lines[:-1])
    assert found["delay"]["median"] <= found["delay"]["p99"]
    assert 0 < found["cpu"] < 1
    assert clock.now - 1_000.0 == pytest.approx(3.0 / 60.0, abs=0.005)


@pytest.mark.parametrize(
    ("words", "begin", "end"),
    [(["--row", "3"], 600, 900), (["--person", "P01"], 0, 600), (["--row", "2", "--person", "P02"], 300, 600)],
)
def test_what_is_named_is_sent(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], begin: int, end: int
):
    """A row, or all of a person, one recording after another."""
    assert moments(told(folder, capsys, *words)) == whole(SAMPLES[begin:end])


def test_a_server_tells_what_this_process_tells(folder: Path, capsys: pytest.CaptureFixture[str]):
    """The same moments over the WebSocket; its processor is not ours to count."""
    with serving(times=1e3) as made:
        lines = told(folder, capsys, "--to", f"ws://127.0.0.1:{made.port}")
    assert moments(lines) == whole(SAMPLES[:300])
    assert lines[-1]["summary"]["cpu"] is None


def test_what_is_planted_is_survived_and_counted(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Lost and exchanged packets, a rush and a sensor that is too fast: every moment that could be told is."""
    words = ["--person", "P01", "--drop", "5%", "--reorder", "5%", "--burst", "50ms", "--drift", "2%"]
    lines = told(folder, capsys, *words)
    found = lines[-1]["summary"]["faults"]
    assert found["lost"] > 0
    assert found["reordered"] > 0
    assert found["filled"] == found["lost"]
    assert {at for at, _ in moments(lines)} == {at for at, _ in whole(SAMPLES[:600])}


def test_plain_lines_tell_of_changes_and_the_end(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Where the output goes into a pipe, without a rule that decides on events."""
    words = ["stream", str(folder / "bundle"), "--from", str(folder / "recordings.csv"), "--person", "P01", *FAST]
    assert main(words) == 0
    # At sixty times the rate, what a busy machine sends late looks like a clock that drifts.
    lines = [line for line in capsys.readouterr().out.splitlines() if "!" not in line]
    assert [line.split()[2] for line in lines[:3]] == ["0", "1", "0"]
    assert lines[3].startswith("6.0 s: 117 moments, 0 events.")
    assert all("\x1b" not in line for line in lines)


def test_events_are_told_as_they_are_decided(ruled: Path, capsys: pytest.CaptureFixture[str]):
    """As lines for people, and as objects for programs: two gestures, one event each, whatever is planted."""
    words = ["stream", str(ruled / "ruled"), "--from", str(ruled / "recordings.csv"), "--person", "P01", *FAST]
    assert main([*words, "--json", "--drop", "2%", "--burst", "100ms"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    events = [line["event"] for line in lines if "event" in line]
    assert [event["label"] for event in events] == [1]
    assert 2.0 < events[0]["at"] < 2.4
    assert lines[-1]["summary"]["event_delay"]["median"] == events[0]["delay"]
    assert main(words) == 0
    out = capsys.readouterr().out
    assert "2.10 s  1" in out
    assert out.splitlines()[0].split()[2] == "1"  # changes of class are not told beside events
    assert "1 events" in out


def test_stopping_ends_with_a_summary(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """Ctrl-C in the middle: what was heard is told, no traceback, and the exit code of a stop."""
    sent = 0
    send = stream_command.Here.send

    def stopped(self: Any, packet: bytes) -> None:
        nonlocal sent
        sent += 1
        if sent > 100:
            raise KeyboardInterrupt
        send(self, packet)

    monkeypatch.setattr(stream_command.Here, "send", stopped)
    words = ["stream", str(folder / "bundle"), "--from", str(folder / "recordings.csv"), "--json", *FAST]
    assert main(words) == 130
    out, err = capsys.readouterr()
    assert json.loads(out.splitlines()[-1])["summary"]["moments"] == 17
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--row", "4"], "--row 4: the table has rows 1 to 3."),
        (["--row", "0"], "rows 1 to 3"),
        (["--person", "P03"], '--person "P03" is not in who. Did you mean'),
        (["--session", "3"], "--session: the job has no such column."),
        (["--drop", "200%"], "--drop 2 is not a share."),
        (["--drop", "many"], "--drop:"),
        (["--burst", "1h"], "--burst is at most 10 s"),
        (["--speed", "0"], "--speed 0 is not a speed."),
        (["--to", "nowhere"], "--to nowhere: is no address of a server."),
        (["--to", "ws://127.0.0.1:9"], "no server answers there"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(
    folder: Path, capsys: pytest.CaptureFixture[str], words: list[str], says: str
):
    """What was found, and what to write."""
    assert main(["stream", str(folder / "bundle"), "--from", str(folder / "recordings.csv"), *words]) == 2
    out, err = capsys.readouterr()
    assert says in err
    assert (out, err.count("\n")) == ("", 1)


def test_a_server_that_asks_for_a_token_is_given_it(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    """From the environment, where other users of the machine cannot see it."""
    words = ["stream", str(folder / "bundle"), "--from", str(folder / "recordings.csv"), *FAST]
    with serving(token=TOKEN, times=1e3) as made:
        monkeypatch.delenv("PLIMSOLL_TOKEN", raising=False)
        assert main([*words, "--to", f"ws://127.0.0.1:{made.port}"]) == 2
        assert "asks for a token" in capsys.readouterr().err
        monkeypatch.setenv("PLIMSOLL_TOKEN", TOKEN)
        assert main([*words, "--to", f"ws://127.0.0.1:{made.port}"]) == 0


def test_a_server_that_ends_the_stream_says_why(folder: Path, capsys: pytest.CaptureFixture[str]):
    """Sixty times too fast is refused after what may come at once, and the reason reaches whoever replays."""
    words = ["stream", str(folder / "bundle"), "--from", str(folder / "recordings.csv"), "--person", "P01"]
    with serving(rush=0.5) as made:
        assert main([*words, "--speed", "10", "--to", f"ws://127.0.0.1:{made.port}"]) == 2
    assert "more than 2 times the rate" in capsys.readouterr().err


def test_a_plan_comes_at_the_true_rate():
    """Each packet as its last frame is taken; twice as fast in half the time; a rush comes together, later never sooner."""
    assert [(due.when, due.begin, due.end) for due in plan(25, 100.0, 10)] == [
        (0.1, 0, 10),
        (0.2, 10, 20),
        (0.25, 20, 25),
    ]
    assert [due.when for due in plan(20, 100.0, 10, speed=2.0)] == [0.05, 0.1]
    rush = plan(100, 100.0, 10, faults=Faults(burst=0.5))
    assert sorted({due.when for due in rush}) == [0.5, 1.0]
    assert all(due.when >= due.sent - 1e-9 for due in rush)
    fast = plan(1_000, 100.0, 10, faults=Faults(drift=0.02))
    assert fast[-1].when == pytest.approx(10.0 / 1.02)
    assert fast[-1].sent == 10.0
    lost = plan(10_000, 100.0, 10, faults=Faults(drop=0.1))
    assert 850 < len(lost) < 950
    assert lost[0].seq == 0


def test_a_picture_is_never_wider_than_the_terminal():
    """Whatever names the file gave its channels, and however many there are."""
    heard = Heard([f"a channel with a long name\x1b[2J {k}" for k in range(20)])
    for k in range(300):
        heard.hear(np.full((5, 20), float(k)))
    event = {"at": 1.0, "label": "fist", "probability": 0.9}
    moment = {"at": 1.0, "prediction": "fist", "probabilities": {"fist": 0.9, "rest": 0.1}}
    heard.tell({"moments": [moment], "events": [event], "faults": {"lost": 3}, "warning": "!"}, {1.0: 0.004})
    lines = stream_text.screen(heard, 12.3, 60)
    assert max(map(len, lines)) <= 60
    assert not any("\x1b" in line for line in lines)
    assert any("4 ms after its last sample" in line or "fist" in line for line in lines)
    assert "and 4 more channels" in "\n".join(lines)
    assert "lost 3" in lines[-1]


def test_a_picture_is_drawn_over_the_one_before(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """As many lines up as there were."""
    view = stream_command._Screen(Heard(["a", "b"]))
    view.show(0.0)
    view._next = 0.0
    view.show(0.1)
    drawn = capsys.readouterr().out
    assert drawn.count("\x1b[4A") == 1
