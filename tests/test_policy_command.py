"""``plimsoll policy`` on the command line: what it says, how it ends, and one line where something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from plimsoll import bundle
from plimsoll.cli import main
from plimsoll.policy.decision import Decider
from plimsoll.policy.queue import ASKED, Item, Queue
from plimsoll.policy.reading import read
from plimsoll.policy.records import Made, Recorder
from plimsoll.policy.rules import names
from serving_toys import find, toy

TEXT = """\
name = "shop"
outcomes = ["block", "review", "allow"]
limits = ["false_block_rate < 5 %", "review_load < 400 per day"]
time = "sent"

[fields]
sent = "time"
lang = "category"

[thresholds]
block_at = 0.65  # solved
review_at = 0.6

[[rules]]
name = "likely"
when = "score('yes') >= block_at"
then = "block"
because = "The model is sure."

[[rules]]
name = "perhaps"
when = "score('yes') >= review_at"
then = "review"

[[rules]]
name = "cook"
when = "job == 'cook' and lang == 'de'"
then = "review"

[truth]
column = "label"
[truth.right]
block = ["bad"]
"""


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plimsoll.catalogue.find", find)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a policy, a bundle and a history."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.toml").write_text(TEXT)
    bundle.write(tmp_path / "bundle", toy())
    random, count = np.random.default_rng(0), 3_000
    frame = pl.DataFrame(
        {
            "age": random.integers(0, 90, count).astype(float),
            "hours per week": random.integers(0, 60, count).astype(float),
            "job": random.choice(["cook", "smith", "clerk"], count),
            "member": random.choice([True, False], count),
            "seen": np.full(count, "2026-01-01"),
            "note": random.choice(["a", "bb", "ccc"], count),
            "sent": np.arange(count) * 60.0,
            "lang": random.choice(["en", "de"], count),
        }
    )
    from plimsoll.infer import to_rows
    from plimsoll.serve.answerer import Answerer

    made = Answerer(bundle.read(tmp_path / "bundle"))
    score = made.decide(to_rows(frame, made.schema)).probabilities[:, 1]  # type: ignore[index]
    bad = random.random(count) < np.clip((score - 0.45) * 4.0, 0.0, 1.0)
    frame.with_columns(pl.Series("label", np.where(bad, "bad", "good"))).write_ndjson(tmp_path / "history.jsonl")
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["policy", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_check_tells_how_a_policy_stands(here: Path, capsys: pytest.CaptureFixture[str]):
    """A sound one in a line; one with a dead rule says which, and ends with 2."""
    code, out, _ = said(capsys, "check", "policy.toml", "--bundle", "bundle")
    assert (code, out.count("\n")) == (0, 1)
    assert "3 rules, 3 outcomes" in out
    Path("policy.toml").write_text(TEXT.replace("job == 'cook' and", "job == 'cook' and job == 'smith' and"))
    code, out, _ = said(capsys, "check", "policy.toml", "--bundle", "bundle")
    assert code == 2
    assert "! dead: cook: it can never be true." in out
    code, out, _ = said(capsys, "check", "policy.toml", "--bundle", "bundle", "--json")
    assert json.loads(out)["faults"][0]["kind"] == "dead"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("job ==", "jobb =="), 'policy.toml: rule "cook": "jobb" is no field. Did you mean "job"?'),
        (("score('yes') >= block_at", "score('sure') >= block_at"), 'has no class "sure"'),
        (("[fields]", "[field]"), '"field" is not known. Did you mean "fields"?'),
    ],
)
def test_a_mistake_is_one_line(here: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], says: str):
    """On standard error, with exit code 2."""
    Path("policy.toml").write_text(TEXT.replace(*change))
    code, out, err = said(capsys, "check", "policy.toml", "--bundle", "bundle")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert says in err


def test_thresholds_are_solved_and_written(here: Path, capsys: pytest.CaptureFixture[str]):
    """Into their lines, with nothing else of the file changed; the limits are then kept."""
    code, out, _ = said(capsys, "solve", "policy.toml", "history.jsonl", "--bundle", "bundle", "--write")
    assert code == 0
    assert "✓ false_block_rate < 5 % at 95 %" in out
    assert "✓ review_load < 400 per day at 95 %" in out
    text = Path("policy.toml").read_text()
    assert "  # solved" in text
    changed = [k for k, (a, b) in enumerate(zip(TEXT.splitlines(), text.splitlines(), strict=True)) if a != b]
    assert 1 <= len(changed) <= 2
    code, out, _ = said(capsys, "solve", "policy.toml", "history.jsonl", "--bundle", "bundle", "--json")
    found = json.loads(out)
    assert found["kept"]
    assert read("policy.toml", toy().schema).thresholds == found["thresholds"]


def test_limits_that_cannot_be_kept_end_with_three(here: Path, capsys: pytest.CaptureFixture[str]):
    """And say how many more labels would do."""
    Path("policy.toml").write_text(TEXT.replace("false_block_rate < 5 %", "false_block_rate < 0.01 %"))
    code, out, _ = said(capsys, "solve", "policy.toml", "history.jsonl", "--bundle", "bundle")
    assert code == 3
    assert "more labels with no more mistakes would do" in out


def test_a_backtest_tells_what_would_have_been(here: Path, capsys: pytest.CaptureFixture[str]):
    """Outcomes, rules, limits and groups; against another version what changes; and all of it as JSON."""
    Path("old.toml").write_text(TEXT.replace("block_at = 0.65", "block_at = 0.69"))
    words = ["backtest", "policy.toml", "history.jsonl", "--bundle", "bundle", "--by", "lang", "--against", "old.toml"]
    code, out, _ = said(capsys, *words, "--out", "rates.json")
    assert code == 0
    for part in ("shop on 3,000 events over 2.1 days", "likely", "lang = de", "review → block", "false_block_rate"):
        assert part in out
    told = json.loads(Path("rates.json").read_text())
    assert set(told["rates"]) == {"likely", "perhaps", "cook"}
    code, out, _ = said(capsys, *words, "--json")
    assert json.loads(out)["changes"] == told["changes"]
    assert said(capsys, *words[:-1], "policy.toml")[1].rstrip().endswith("policy.toml decides every event alike.")


def test_an_event_is_taken_apart(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Every rule, and each of its parts: true, false, or hanging on what is missing."""
    Path("event.json").write_text('{"job": "cook", "lang": null, "age": 3}')
    code, out, _ = said(capsys, "explain", "policy.toml", "event.json", "--bundle", "bundle")
    assert code == 0
    assert "✓ job == 'cook'" in out
    assert "? lang == 'de'" in out
    code, out, _ = said(capsys, "explain", "policy.toml", "event.json", "--bundle", "bundle", "--json")
    assert json.loads(out)["rules"][2]["fires"] is None
    Path("event.json").write_text('{"jobb": 1}')
    code, _, err = said(capsys, "explain", "policy.toml", "event.json", "--bundle", "bundle")
    assert (code, err.count("\n")) == (2, 1)
    assert said(capsys, "explain", "policy.toml", "none.json", "--bundle", "bundle")[0] == 2


def test_two_versions_are_compared(here: Path, capsys: pytest.CaptureFixture[str]):
    """What was added, taken out or changed, each in a line."""
    text = TEXT.replace('name = "cook"', 'name = "chef"').replace("block_at = 0.65", "block_at = 0.8")
    Path("new.toml").write_text(text.replace("sure.", "certain.").replace('lang = "category"', 'lang = "id"'))
    code, out, _ = said(capsys, "diff", "policy.toml", "new.toml", "--bundle", "bundle")
    assert code == 0
    for line in (
        "thresholds.block_at: 0.65 → 0.8",
        "- rule cook:",
        "+ rule chef:",
        "~ rule likely: because:",
        "fields.lang",
    ):
        assert line in out
    assert said(capsys, "diff", "policy.toml", "policy.toml", "--bundle", "bundle")[1] == "They say the same.\n"


def test_records_are_verified_redacted_replayed_and_explained(here: Path, capsys: pytest.CaptureFixture[str]):
    """Each says in a line how it went, and a chain that was broken ends with 2."""
    text = 'name = "p"\noutcomes = ["block", "allow"]\n[fields]\na = "number"\nwho = "text"\n[records]\npersonal = ["who"]\n'
    Path("p.toml").write_text(f'{text}[[rules]]\nname = "big"\nwhen = "a > 3"\nthen = "block"\nbecause = "Too big."\n')
    told = read("p.toml")
    recorder, made = Recorder(Path("r")), Made(told.digest, personal=told.personal)
    decider = Decider(told, names(told, None))
    for a in (1.0, 5.0, 9.0):
        recorder.add(made, a, {"a": a, "who": "ann"}, {}, [], decider.decide([a, "ann"]))
    recorder.flush()
    assert said(capsys, "verify", "r")[1] == "3 decisions: the chain holds.\n"
    assert said(capsys, "replay", "r", "p.toml")[1] == "3 decisions come out the same, 0 do not.\n"
    assert "Why: Too big." in said(capsys, "notice", "r", "2", "p.toml")[1]
    assert said(capsys, "notice", "r", "9", "p.toml")[0] == 2
    assert "3 values are gone" in said(capsys, "redact", "r", "--older-than", "1 s")[1]
    assert said(capsys, "redact", "r", "--older-than", "soon")[0] == 2
    assert "3 are redacted" in said(capsys, "replay", "r", "p.toml")[1]
    path = next(Path("r").glob("*.jsonl"))
    path.write_text(path.read_text().replace('"outcome":"block"', '"outcome":"allow"'))
    code, _, err = said(capsys, "verify", "r")
    assert (code, "is not as it was written" in err) == (2, True)


def test_labels_come_out_for_the_next_fit(here: Path, capsys: pytest.CaptureFixture[str]):
    """Each reviewed event with its label in the column of the target."""
    queue = Queue("q.db")
    queue.put([Item(f"e{k}", 0.0, ASKED, {"text": f"t{k}"}, {}) for k in range(20)])
    for who in ("ann", "bob"):
        while (found := queue.next(who, 1.0)) is not None:
            queue.decide(found.id, who, "bad", "", 2.0)
    queue.close()
    code, out, _ = said(capsys, "labels", "q.db", "--out", "labels.jsonl", "--target", "verdict")
    assert code == 0
    assert out.startswith("20 labelled events are in labels.jsonl.")
    assert pl.read_ndjson("labels.jsonl")["verdict"].to_list() == ["bad"] * 20


@pytest.mark.parametrize(
    "words", [["solve", "policy.toml", "none.jsonl"], ["backtest", "none.toml", "history.jsonl"], ["verify", "none"]]
)
def test_what_is_not_there_is_said(here: Path, capsys: pytest.CaptureFixture[str], words: list[str]):
    """In one line, whichever file it is."""
    code, _, err = said(capsys, *words, *(["--bundle", "bundle"] if words[0] != "verify" else []))
    assert (code, err.count("\n")) == (2, 1)
