"""Decision records: a chain that shows every change, values that can be taken out, and decisions that can be made again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plimsoll.errors import PolicyError, UserError
from plimsoll.policy import notice, records
from plimsoll.policy.breaker import BLOCK, LEAST, Breaker
from plimsoll.policy.decision import Decider
from plimsoll.policy.reading import read
from plimsoll.policy.records import Made, Recorder, files, lines, verify
from plimsoll.policy.redaction import redact
from plimsoll.policy.replaying import replay
from plimsoll.policy.rules import Policy, names

TEXT = """
name = "messages"
version = "7"
outcomes = ["block", "review", "allow"]
[fields]
text = "text"
author = "category"
age = "number"
[records]
personal = ["text", "author"]
keep = "30 days"
[[rules]]
name = "young"
when = "age < 3"
then = "block"
because = "The account is too young."
[[rules]]
name = "word"
when = "contains(text, 'spam')"
then = "block"
because = "It holds a word that is not allowed."
[[rules]]
name = "odd"
when = "missing(author)"
then = "review"
"""


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    (tmp_path / "policy.toml").write_text(TEXT)
    return read(tmp_path / "policy.toml")


EVENTS: list[tuple[Any, Any, float]] = [
    ("hello", "ann", 9.0),
    ("spam é", "bob", 1.0),
    ("spam", None, float("nan")),
    ("", "cy", 0.1),
]


def recorded(policy: Policy, folder: Path) -> Recorder:
    """Every event of the list, decided and written."""
    recorder, made = Recorder(folder), Made(policy.digest, personal=policy.personal)
    decider = Decider(policy, names(policy, None))
    for place, event in enumerate(EVENTS):
        fields = dict(zip(("text", "author", "age"), event, strict=True))
        recorder.next()
        recorder.add(made, 1_000.0 + place, fields, {}, [], decider.decide(event))
    recorder.flush()
    return recorder


def test_what_was_decided_is_kept_in_a_chain(policy: Policy, tmp_path: Path):
    """Each line follows the one before, and a recorder that begins again goes on with it."""
    recorded(policy, tmp_path / "r")
    assert verify(tmp_path / "r") == (4, 0)
    recorded(policy, tmp_path / "r")
    assert verify(tmp_path / "r") == (8, 0)
    assert [line["n"] for _, line in lines(tmp_path / "r")] == list(range(1, 9))


@pytest.mark.parametrize("fault", ["changed", "removed", "added", "swapped", "personal", "salt"])
def test_every_later_change_shows(policy: Policy, tmp_path: Path, fault: str):
    """A word, a line, an order: the chain says at which line it is broken."""
    recorded(policy, tmp_path / "r")
    (path,) = files(tmp_path / "r")
    rows = [json.loads(row) for row in path.read_text().splitlines()]
    match fault:
        case "changed":
            rows[1]["outcome"] = "allow"
        case "removed":
            del rows[1]
        case "added":
            rows.insert(1, rows[1])
        case "swapped":
            rows[1], rows[2] = rows[2], rows[1]
        case "personal":
            rows[1]["personal"]["text"][0] = "hello"
        case _:
            rows[1]["personal"]["text"][1] = "0" * 16
    path.write_text("".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n" for row in rows))
    with pytest.raises(UserError, match=r"decisions-000001\.jsonl:[23] "):
        verify(tmp_path / "r")


def test_what_is_personal_can_be_taken_out(policy: Policy, tmp_path: Path):
    """The chain holds without it, nothing of it is left on the disk, and what is not personal stays."""
    recorded(policy, tmp_path / "r")
    assert redact(tmp_path / "r", older_than=1_002.0) == 4
    assert verify(tmp_path / "r") == (4, 2)
    text = files(tmp_path / "r")[0].read_text()
    assert "bob" not in text
    assert "cy" in text
    assert '"age":1.0' in text
    assert redact(tmp_path / "r", older_than=1e12, names=["author"]) == 2
    assert verify(tmp_path / "r") == (4, 4)
    recorded(policy, tmp_path / "r")
    assert verify(tmp_path / "r") == (8, 4)


def test_a_line_that_a_crash_cut_off_is_passed_over(policy: Policy, tmp_path: Path):
    """And the next recorder goes on behind the last whole one."""
    recorded(policy, tmp_path / "r")
    (path,) = files(tmp_path / "r")
    path.write_bytes(path.read_bytes()[:-20])
    assert verify(tmp_path / "r") == (3, 0)
    recorded(policy, tmp_path / "r")
    assert verify(tmp_path / "r") == (7, 0)


def test_what_is_no_record_is_refused(policy: Policy, tmp_path: Path):
    """With the file and the line."""
    recorded(policy, tmp_path / "r")
    (path,) = files(tmp_path / "r")
    for odd in (b"[]\n", b"{}\n", b"x\n", b'{"personal": 3}\n'):
        whole = path.read_bytes()
        path.write_bytes(whole + odd)
        with pytest.raises(UserError, match=r"jsonl:5 is not a decision record"):
            verify(tmp_path / "r")
        path.write_bytes(whole)


def test_long_records_fill_several_files(policy: Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """One chain runs through them."""
    monkeypatch.setattr(records, "_MOST_BYTES", 600)
    for _ in range(5):
        recorded(policy, tmp_path / "r")
    assert len(files(tmp_path / "r")) > 2
    assert verify(tmp_path / "r") == (20, 0)


def test_a_record_is_decided_again_to_the_same(policy: Policy, tmp_path: Path):
    """Missing values too; under another policy, or once redacted, it is not tried."""
    recorded(policy, tmp_path / "r")
    told = [line for _, line in lines(tmp_path / "r")]
    assert replay(told, policy, None).same == 4
    told[1]["outcome"] = "allow"
    assert replay(told, policy, None).differing == ((2, "outcome"),)
    (tmp_path / "policy.toml").write_text(TEXT.replace("age < 3", "age < 4"))
    assert replay(told, read(tmp_path / "policy.toml"), None).closed == 4
    redact(tmp_path / "r", 1e12)
    assert replay([line for _, line in lines(tmp_path / "r")], policy, None).closed == 4


def test_who_is_befallen_is_told_why(policy: Policy, tmp_path: Path):
    """What was decided, the reasons of the rules that asked for it, by whom, and what can be done."""
    recorded(policy, tmp_path / "r")
    _, line = list(lines(tmp_path / "r"))[1]
    said = notice.statement(policy, line)
    assert "1970-01-01 00:16 UTC" in said
    assert "The account is too young. It holds a word that is not allowed." in said
    assert "by a machine" in said
    assert "appeal" in said
    assert "spam" not in said
    seen = notice.Reviewed(False, notice.Said("allow", 2_000.0))
    assert "by a person" in notice.statement(policy, line, seen)


@pytest.mark.parametrize("template", ["You: $outcom", "$", "${outcome", "a $ b"])
def test_a_template_says_only_what_is_known(tmp_path: Path, template: str):
    """A word that is not known is found when the policy is read, not when somebody is to be told."""
    (tmp_path / "policy.toml").write_text(f"statement = '{template}'\n{TEXT}")
    with pytest.raises(PolicyError, match="statement: "):
        read(tmp_path / "policy.toml")


def test_a_rule_that_runs_away_is_held_back(policy: Policy):
    """Ten times its usual rate within a thousand events; a rule at its rate, or one of no known rate, is not."""
    breaker = Breaker(policy, {"young": 0.01, "word": 0.05})
    for event in range(20 * BLOCK):
        breaker.saw([0] * (event % 50 == 0) + [1] * (event % 10 == 0) + [2])
    assert breaker.held == frozenset()
    for _ in range(120):
        breaker.saw([0])
    assert breaker.held == {0}
    assert breaker.reset() == ("young",)
    assert breaker.held == frozenset()


def test_a_rare_rule_may_fire_a_few_times(policy: Policy):
    """Ten times almost never is still almost never: twenty firings in a block are the least that trip it."""
    breaker = Breaker(policy, {"young": 1e-6})
    for _ in range(LEAST - 1):
        breaker.saw([0])
    assert not breaker.held
    breaker.saw([0])
    assert breaker.held == {0}
