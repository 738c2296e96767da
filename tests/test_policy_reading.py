"""policy.toml: what it says, and one clear line where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from plimsoll.errors import PolicyError
from plimsoll.policy.harm import parse
from plimsoll.policy.reading import read
from plimsoll.policy.rules import Policy
from plimsoll.schema import Column, Kind, Schema

SCHEMA = Schema((Column("text", Kind.TEXT), Column("age", Kind.NUMBER)), "label", ("fine", "hate"))
WHOLE = """
name = "messages"
version = "3"
outcomes = ["block", "review", "allow"]
limits = ["false_block_rate < 1 % at 95 %", "review_load < 200 per day"]
time = "sent"
id = "number"

[fields]
number = "id"
sent = "time"
author = "category"

[lists]
bait = ["free", "money"]
trusted = { file = "trusted.txt" }

[thresholds]
block_at = 0.9

[counters.by_author]
by = "author"
within = "10 min"
when = "length(text) > 0"

[copies.same_text]
of = "text"
within = "2 days"

[[rules]]
name = "hateful"
when = "score('hate') >= block_at and author not in trusted"
then = "block"
because = "It attacks people."

[[rules]]
name = "flood"
when = "by_author > 20 or same_text > 5"
then = "review"
label = "flood"

[truth]
column = "label"
[truth.right]
block = ["hate"]
"""


def written(folder: Path, text: str = WHOLE) -> Path:
    (folder / "trusted.txt").write_text("ann\n\n bob \n")
    (folder / "policy.toml").write_text(text)
    return folder / "policy.toml"


def test_a_policy_is_read_whole(tmp_path: Path):
    """Every part of it, its lists in files too."""
    found = read(written(tmp_path), SCHEMA)
    assert (found.name, found.version, found.otherwise) == ("messages", "3", "allow")
    assert found.lists["trusted"] == ("ann", "bob")
    assert [rule.name for rule in found.rules] == ["hateful", "flood"]
    assert (found.counters[0].within, found.copies[0].within, found.copies[0].alike) == (600.0, 172_800.0, 0.8)
    assert found.made == ("by_author", "same_text")
    assert [str(limit) for limit in found.limits] == [
        "false_block_rate < 1 % at 95 %",
        "review_load < 200 per day at 95 %",
    ]


def test_another_word_in_a_list_is_another_policy(tmp_path: Path):
    """The digest is of all that was read."""
    before = read(written(tmp_path), SCHEMA).digest
    (tmp_path / "trusted.txt").write_text("ann\n")
    assert read(tmp_path / "policy.toml", SCHEMA).digest != before


def test_thresholds_are_moved_without_reading_again(tmp_path: Path):
    """The rules stand at the new places, and the rest is as it was."""
    moved = read(written(tmp_path), SCHEMA).at(block_at=0.7)
    assert moved.thresholds == {"block_at": 0.7}
    assert [term.values for term in moved.rules[0].when.all() if term.op == "threshold"] == [(0.7,)]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (('name = "messages"', "nam = 1"), "Did you mean"),
        (('then = "block"', 'then = "blok"'), 'rule "hateful": "blok" is no outcome. Did you mean "block"?'),
        (('then = "block"', 'than = "block"'), '"than" in rules is not known. Did you mean "then"?'),
        (('outcomes = ["block", "review", "allow"]', 'outcomes = ["block"]'), "at least two"),
        (("author = ", "text = "), "fields.text: is a column of the model already"),
        (('sent = "time"', 'sent = "tim"'), 'fields.sent: "tim" is no kind. Did you mean "time"?'),
        (('within = "10 min"', 'within = "10"'), 'counters.by_author.within: "10" is not a time'),
        (('by = "author"', 'by = "autor"'), 'counters.by_author.by: "autor" is no field. Did you mean "author"?'),
        (('of = "text"', 'of = "age"'), 'copies.same_text.of: "age" is a number, and a text is due.'),
        (("trusted.txt", "../trusted.txt"), "not the plain name of a file"),
        (("trusted.txt", "none.txt"), "lists.trusted: none.txt cannot be read"),
        (('["free", "money"]', '["free", 3]'), "texts alone or numbers alone"),
        (('["free", "money"]', "[]"), "at least one"),
        (('name = "flood"', 'name = "hateful"'), "a name of its own"),
        (("score('hate') >= block_at", "score('hate') < block_at"), "need not catch more"),
        (("score('hate') >= block_at", "not (score('hate') >= block_at)"), "need not catch more"),
        (("score('hate') >= block_at", "missing(score('hate') - block_at)"), "need not catch more"),
        (('block = ["hate"]', 'bloc = ["hate"]'), 'truth.right: "bloc" is no outcome'),
        (("false_block_rate < 1 %", "false_block_rate > 1 %"), "is written with <"),
        (("< 200 per day", "< 200"), "write per day behind it"),
        (("false_block_rate", "false_blok_rate"), '"blok" is no outcome'),
        (('time = "sent"', 'time = "author"'), 'time: "author" is a text, and a time is due.'),
        (('then = "review"\nlabel = "flood"', ""), "does nothing"),
        (("[lists]", "[lists"), "it is not TOML"),
    ],
)
def test_a_mistake_is_told_in_one_line(tmp_path: Path, change: tuple[str, str], says: str):
    """The file, the place in it, what was found and what to write."""
    assert change[0] in WHOLE
    with pytest.raises(PolicyError) as told:
        read(written(tmp_path, WHOLE.replace(*change)), SCHEMA)
    assert says in str(told.value)
    assert str(told.value).startswith(str(tmp_path / "policy.toml"))
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a = 1", b"name = ''\nrules = []\noutcomes = ['a','b']"])
def test_what_is_no_policy_is_refused(tmp_path: Path, content: bytes):
    """An empty file, another encoding, other words."""
    (tmp_path / "p.toml").write_bytes(content)
    with pytest.raises(PolicyError):
        read(tmp_path / "p.toml")
    with pytest.raises(PolicyError, match="cannot be read"):
        read(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "text",
    [
        "false_block_rate < 1 % at 95 %",
        "block_precision > 90 % at 90 %",
        "block_recall > 60 % at 95 %",
        "review_load < 200 per day at 95 %",
        "false_block_rate[lang] < 2 % at 95 %",
        "false_block_rate[lang=en] < 2 % at 99 %",
    ],
)
def test_a_limit_on_harm_is_printed_as_it_is_read(text: str):
    """And read again it is the same."""
    (limit,) = parse(text, ("block", "review", "allow"))
    assert str(limit) == text
    assert parse(str(limit), ("block", "review", "allow")) == (limit,)


@pytest.mark.parametrize(
    "text",
    ["p99 < 3 ms", "false_block_rate < 100 %", "false_block_rate < 1 % at 20 %", "review_load", "block_recall > x"],
)
def test_what_is_no_limit_on_harm_is_refused(text: str):
    """With the place and what to write."""
    with pytest.raises(PolicyError, match=r"^limits: "):
        parse(text, ("block", "review", "allow"))


def test_a_policy_needs_no_model(tmp_path: Path):
    """Rules over an event's own fields alone; a score then needs one."""
    text = WHOLE.replace("score('hate') >= block_at and ", "").replace("length(text) > 0", "not missing(author)")
    text = text.replace('[copies.same_text]\nof = "text"', '[copies.same_text]\nof = "author"').replace(
        "[thresholds]\nblock_at = 0.9", ""
    )
    assert isinstance(read(written(tmp_path, text)), Policy)
    with pytest.raises(PolicyError, match="needs a model"):
        read(written(tmp_path, text.replace("author not in trusted", "score('hate') > 0.5")))
