"""The statement of reasons: who decided, on what facts and what ground, and what can be done about it, at each stage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plimsoll.cli import main
from plimsoll.policy import notice
from plimsoll.policy.decision import Decider
from plimsoll.policy.notice import Reviewed, Said, reviewed, statement
from plimsoll.policy.queue import ASKED, AUDIT, Item, Queue
from plimsoll.policy.reading import read
from plimsoll.policy.records import Made, Recorder, lines, number_of
from plimsoll.policy.redaction import redact_queue
from plimsoll.policy.rules import Policy, names
from plimsoll.serve.review import Review
from test_records import TEXT

HATE = '[truth]\ncolumn = "label"\n[truth.right]\nblock = ["hate", "spam"]\n'
DAY = 86_400.0


def policy(folder: Path, head: str = "", tail: str = HATE) -> Policy:
    (folder / "policy.toml").write_text(head + TEXT + tail)
    return read(folder / "policy.toml")


def record(told: Policy, folder: Path, text: str = "spam", age: float = 9.0, author: str | None = "ann") -> Any:
    """The record of one decision, on the first of January 1970."""
    recorder, event = Recorder(folder), (text, author, age)
    fields = dict(zip(("text", "author", "age"), event, strict=True))
    recorder.add(
        Made(told.digest, personal=told.personal),
        60.0,
        fields,
        {},
        [],
        Decider(told, names(told, None)).decide(event),
    )
    recorder.flush()
    return list(lines(folder))[-1][1]


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Queue]:
    made = Queue(tmp_path / "q.db")
    yield made
    made.close()


def waiting(queue: Queue, line: Any, why: str = ASKED) -> str:
    number = number_of(line)
    queue.put([Item(number, line["at"], why, {"text": "spam"}, {"outcome": line["outcome"], "personal": ["text"]})])
    return number


def decided(queue: Queue, number: str, label: str, at: float, *who: str) -> None:
    """By as many as must see it."""
    for name in who:
        found = queue.find(number)
        assert found is not None
        if not found[0].closed:
            queue.decide(number, name, label, "between us: a known troll", at)


def test_what_a_machine_decided_says_so(tmp_path: Path):
    """With the rules, their reasons, the ground, and every way to go on."""
    told = policy(tmp_path)
    said = statement(told, record(told, tmp_path / "r"))
    for part in (
        "On 1970-01-01 00:01 UTC we decided: block.",
        "Why: It holds a word that is not allowed.",
        "for which these rules held: word.",
        'The ground: version 7 of our policy "messages".',
        "by a machine, with no person taking part.",
        "you can appeal, and a person who did not decide it",
        "out of court, or to a court.",
    ):
        assert part in said
    assert "A person" not in said


def test_what_a_person_decided_says_that_and_what(tmp_path: Path, queue: Queue):
    """When they did, what they found, and that a machine had put it before them; not what they noted for each other."""
    told = policy(tmp_path)
    line = record(told, tmp_path / "r", "hello", author=None)
    assert line["outcome"] == "review"
    number = waiting(queue, line)
    first = statement(told, line, reviewed(queue, number))
    assert "no person taking part so far" in first
    decided(queue, number, "hate", 2 * DAY, "ann", "bob")
    said = statement(told, line, reviewed(queue, number))
    assert "On 1970-01-03 00:00 UTC we decided: block." in said
    assert "A person found: hate." in said
    assert "by a person; a machine had put it before them." in said
    assert "you can appeal" in said
    assert "troll" not in said
    assert "by a machine," not in said


def test_a_person_may_find_otherwise_than_the_rules(tmp_path: Path, queue: Queue):
    """Then the reasons of the rules are not given for what they did not ask for."""
    told = policy(tmp_path)
    line = record(told, tmp_path / "r")
    number = waiting(queue, line, AUDIT)
    decided(queue, number, "fine", DAY, "ann", "bob")
    said = statement(told, line, reviewed(queue, number))
    assert "we decided: allow." in said
    assert "Why: A person found: fine." in said
    assert "by a person; a machine had decided: block." in said
    assert "it was drawn at random to be looked at." in said


@pytest.mark.parametrize(
    ("label", "came", "outcome"),
    [("hate", "it stands: block", "block"), ("fine", "instead of block it is now: allow", "allow")],
)
def test_after_an_appeal_its_outcome_is_told(tmp_path: Path, queue: Queue, label: str, came: str, outcome: str):
    """First that it is heard, then what came of it, and what is left: no second appeal here."""
    told = policy(tmp_path)
    line = record(told, tmp_path / "r")
    number = waiting(queue, line)
    decided(queue, number, "spam", DAY, "ann", "bob")
    again = Review(queue, ("hate", "spam", "fine"), clock=lambda: 2 * DAY).appeal(number, "It was a joke.")
    heard = statement(told, line, reviewed(queue, number))
    assert "You have appealed; a person who did not decide it will look at it again." in heard
    assert "we decided: block." in heard
    decided(queue, again, label, 3 * DAY, "dan", "eve")
    said = statement(told, line, reviewed(queue, number))
    assert f"On 1970-01-04 00:00 UTC we decided: {outcome}." in said
    assert f"looked at it again: {came}." in said
    assert "by a person, after an appeal." in said
    assert "you can appeal" not in said
    assert "out of court, or to a court." in said
    assert "joke" not in said


def test_an_appeal_against_what_a_machine_decided(tmp_path: Path):
    """Where no person had said anything before, it is the machine's outcome that stands or falls."""
    told = policy(tmp_path)
    line = record(told, tmp_path / "r")
    said = statement(told, line, Reviewed(False, Said(), Said("fine", DAY)))
    assert "instead of block it is now: allow" in said
    assert "no person taking part so far" in statement(told, line, Reviewed(False, Said(), Said()))


def test_reviewers_may_say_outcomes(tmp_path: Path):
    """Where the policy tells no truth; and what is right for no outcome comes to the last."""
    told = policy(tmp_path, tail="")
    line = record(told, tmp_path / "r", "hello", author=None)
    for label, outcome in (("block", "block"), ("allow", "allow"), ("odd", "allow")):
        assert f"we decided: {outcome}." in statement(told, line, Reviewed(True, Said(label, DAY)))


def test_the_template_stays_the_users(tmp_path: Path):
    """Its words mean the same at every stage; those of old templates too."""
    told = policy(tmp_path, "statement = '$outcome by $policy: $automated / $redress / $facts'\n")
    said = statement(told, record(told, tmp_path / "r"), Reviewed(True, Said("fine", DAY)))
    assert said.startswith("allow by messages: by a person; ")
    assert said.count(" / ") == 2
    assert {"time", "because", "version", "id"} <= set(notice._WORDS)


def test_the_page_names_every_word():
    """A word that a template may use is explained where templates are."""
    page = (Path(__file__).parents[1] / "docs" / "policy.md").read_text(encoding="utf-8")
    assert all(f"`${word}`" in page for word in notice._WORDS)


def test_the_command_reads_the_queue(tmp_path: Path, queue: Queue, capsys: pytest.CaptureFixture[str]):
    """With --queue; what was redacted since is still told; without it, what the machine decided."""
    told = policy(tmp_path)
    number = waiting(queue, record(told, tmp_path / "r"))
    decided(queue, number, "fine", DAY, "ann", "bob")
    redact_queue(queue, 1e9)
    words = ["policy", "notice", str(tmp_path / "r"), "1", str(tmp_path / "policy.toml")]
    assert main([*words, "--queue", str(tmp_path / "q.db")]) == 0
    assert "we decided: allow." in capsys.readouterr().out
    assert main(words) == 0
    assert "we decided: block." in capsys.readouterr().out
    assert main([*words, "--queue", str(tmp_path / "none.db")]) == 2
    assert "is no queue" in capsys.readouterr().err
