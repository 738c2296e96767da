"""A policy before a model: the same decisions by the server as in a backtest, kept and queued as they should be."""

from __future__ import annotations

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import pytest

from plimsoll.errors import RequestError
from plimsoll.policy.queue import ASKED, AUDIT, Queue
from plimsoll.policy.reading import read
from plimsoll.policy.records import Recorder, lines, verify
from plimsoll.policy.replaying import replay
from plimsoll.policy.rules import Policy
from plimsoll.serve.answerer import Answerer
from plimsoll.serve.gate import Gate
from plimsoll.serve.keeper import Keeper
from serving_toys import find, over, toy

TEXT = """
name = "toy"
outcomes = ["block", "review", "allow"]
audit = 0.5
[fields]
author = "category"
[records]
personal = ["author"]
[counters.lately]
by = "author"
within = "1 min"
[[rules]]
name = "likely"
when = "score('yes') >= 0.6"
then = "block"
because = "The model is sure."
[[rules]]
name = "often"
when = "lately > 2"
then = "review"
[[rules]]
name = "cook"
when = "job == 'cook'"
label = "kitchen"
"""


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plimsoll.catalogue.find", find)


@pytest.fixture
def answerer() -> Answerer:
    return Answerer(toy())


@pytest.fixture
def policy(tmp_path: Path, answerer: Answerer) -> Policy:
    (tmp_path / "policy.toml").write_text(TEXT)
    return read(tmp_path / "policy.toml", answerer.schema)


def event(author: str | None = "ann", **more: Any) -> bytes:
    return json.dumps({"age": 39, "job": "cook", "author": author, **more}).encode()


def gate(policy: Policy, answerer: Answerer, **more: Any) -> Gate:
    return Gate(policy, answerer, clock=lambda: 1_000.0, **more)


def test_an_event_is_decided_by_scores_and_rules(policy: Policy, answerer: Answerer):
    """The outcome, the rules that asked for it with their reasons, labels, and the model's own scores."""
    one = gate(policy, answerer)
    told = json.loads(one.answer(event()))
    predicted = json.loads(answerer.answer(b'{"age": 39, "job": "cook"}'))
    assert told["scores"] == predicted["probabilities"]
    assert told["labels"] == ["kitchen"]
    assert told["outcome"] == ("block" if told["scores"]["yes"] >= 0.6 else "allow")
    assert "id" not in told


def test_a_counter_sees_one_event_after_the_other(policy: Policy, answerer: Answerer):
    """In a list, in a turn of the server, and one by one alike."""
    alone, listed, together = (gate(policy, answerer) for _ in range(3))
    single = [json.loads(alone.answer(event())) for _ in range(4)]
    assert [told["outcome"] for told in single][2:] == ["review", "review"] or single[0]["outcome"] == "block"
    assert json.loads(listed.answer(b"[" + b",".join([event()] * 4) + b"]")) == single
    assert [json.loads(body) for body, _ in together.answer_all([event()] * 4)] == single  # type: ignore[misc]


def test_a_faulty_event_is_told_and_counts_nowhere(policy: Policy, answerer: Answerer):
    """With the place of the fault; the events beside it are decided."""
    one = gate(policy, answerer)
    first, second, third = one.answer_all([event(), event(age="old"), event()])
    assert isinstance(second, RequestError)
    assert second.path == "$.age"
    assert isinstance(first, tuple)
    assert isinstance(third, tuple)
    with pytest.raises(RequestError, match="no such column"):
        one.answer(event(colour="red"))


def test_what_was_decided_is_recorded_and_can_be_replayed(policy: Policy, answerer: Answerer, tmp_path: Path):
    """To the last bit, counters and scores included."""
    keeper = Keeper(Recorder(tmp_path / "r"), None)
    one = gate(policy, answerer, keeper=keeper)
    told = [
        json.loads(one.answer(event(author, age=age)))
        for author, age in (("ann", 1), ("ann", 80), (None, None), ("ann", 39))
    ]
    keeper.flush()
    assert [each["id"].partition("-")[0] for each in told] == ["1", "2", "3", "4"]
    assert verify(tmp_path / "r") == (4, 0)
    written = [line for _, line in lines(tmp_path / "r")]
    assert [line["outcome"] for line in written] == [each["outcome"] for each in told]
    assert replay(written, policy, answerer, str(answerer.bundle.facts.get("digest", ""))).same == 4
    assert all(not line["moved"] for line in written if line["outcome"] == "allow")


def test_a_record_says_which_fields_moved_the_score(policy: Policy, answerer: Answerer, tmp_path: Path):
    """Of a decision that befalls somebody: what the score would lose without each of them, the weightiest first."""
    keeper = Keeper(Recorder(tmp_path / "r"), None)
    one = gate(policy, answerer, keeper=keeper)
    for _ in range(4):
        one.answer(event())
    keeper.flush()
    line = [line for _, line in lines(tmp_path / "r")][-1]
    assert line["outcome"] != "allow"
    moved = dict(line["moved"])
    assert set(moved) == {"age", "job"}
    values = (39.0, float("nan"), None, float("nan"), float("nan"), None)
    assert moved["job"] == pytest.approx(line["scores"][1] - answerer.scores(values)[1])


def test_reviews_and_a_random_slice_wait_in_the_queue(policy: Policy, answerer: Answerer, tmp_path: Path):
    """Those that the policy sends surely, half of the others by lot; each with the chance with which it came."""
    queue = Queue(tmp_path / "q.db")
    keeper = Keeper(None, queue)
    keeper._draw = random.Random(0)  # the lot of a server is drawn by the system; a test's is always the same
    one = gate(policy, answerer, keeper=keeper)
    outcomes = [json.loads(one.answer(event(f"a{k % 50}")))["outcome"] for k in range(400)]
    keeper.flush()
    counts = queue.counts()
    assert counts.get(ASKED, 0) == outcomes.count("review")
    others = len(outcomes) - outcomes.count("review")
    assert 0.35 * others <= counts[AUDIT] <= 0.65 * others
    found = queue.next("ann", 0.0)
    assert found is not None
    assert found.event["job"] == "cook"
    queue.close()


def test_a_rule_that_runs_away_is_held_back(policy: Policy, answerer: Answerer):
    """What it would have decided is reviewed, until somebody resets it."""
    one = gate(policy, answerer, rates={"likely": 1e-3, "often": 0.5})
    events = [{"age": age, "note": "x" * length} for age in range(0, 200, 20) for length in range(1, 7)]
    plain = gate(policy, answerer)
    sure = next(each for each in events if json.loads(plain.answer(event(**each)))["scores"]["yes"] >= 0.6)
    outcomes = [json.loads(one.answer(event(None, **sure)))["outcome"] for _ in range(40)]
    assert outcomes[0] == "block"
    assert outcomes[-1] == "review"
    assert one.breaker.reset() == ("likely",)
    assert json.loads(one.answer(event(None, **sure)))["outcome"] == "block"


def test_the_server_decides_beside_predicting(policy: Policy, answerer: Answerer):
    """POST /decide is there with a policy, and not without."""
    from test_app import ask, error

    app = over(answerer, gate=gate(policy, answerer))
    status, _, body = ask(app, "POST", "/decide", event())
    assert (status, json.loads(body)) == (200, json.loads(gate(policy, answerer).answer(event())))
    assert ask(app, "POST", "/predict", b'{"age": 39}')[0] == 200
    assert error(ask(over(answerer), "POST", "/decide", event()))[0] == 404
    assert error(ask(app, "GET", "/decide"))[0] == 405


def test_a_policy_needs_no_model(tmp_path: Path):
    """Rules over an event's own fields."""
    text = TEXT.replace("score('yes') >= 0.6", "author == 'eve'").replace("job == 'cook'", "missing(author)")
    (tmp_path / "policy.toml").write_text(text)
    one = Gate(read(tmp_path / "policy.toml"))
    assert json.loads(one.answer(b'{"author": "eve"}')) == {
        "outcome": "block",
        "by": ["likely"],
        "labels": [],
        "because": ["The model is sure."],
        "scores": {},
    }


def test_the_event_says_when_it_happened(tmp_path: Path):
    """Where the policy names such a field; else it happened when it came."""
    (tmp_path / "policy.toml").write_text(
        'time = "sent"\n'
        + TEXT.replace('author = "category"', 'author = "category"\nsent = "time"')
        .replace("score('yes') >= 0.6", "author == 'eve'")
        .replace("job == 'cook'", "missing(author)")
    )
    one = Gate(read(tmp_path / "policy.toml"))
    sent = ["2026-01-01T00:00:00Z", "2026-01-01T00:00:30Z", "2026-01-01T00:00:50Z", "2026-01-01T00:02:00Z"]
    told = [json.loads(one.answer(json.dumps({"author": "a", "sent": each}).encode()))["outcome"] for each in sent]
    assert told == ["allow", "allow", "review", "allow"]


def test_events_of_one_turn_are_decided_in_their_order(policy: Policy, answerer: Answerer):
    """By the short way from the socket as by the long one."""
    app, told = over(answerer, gate=gate(policy, answerer)), []

    class Asker:
        def reply(self, status: int, body: bytes) -> None:
            told.append((status, json.loads(body)["outcome"]))

    async def turn() -> None:
        for _ in range(4):
            app.desk.put(Asker(), event(), asyncio.get_running_loop(), b"/decide")
        app.desk.put(Asker(), event("bob"), asyncio.get_running_loop(), b"/decide")
        app.desk.finish()

    asyncio.run(turn())
    alone = gate(policy, answerer)
    assert told == [
        (200, json.loads(alone.answer(event(who)))["outcome"]) for who in ("ann", "ann", "ann", "ann", "bob")
    ]


def test_an_event_that_breaks_the_model_breaks_no_other(
    policy: Policy, answerer: Answerer, monkeypatch: pytest.MonkeyPatch
):
    """Asked together they would all fail. Of a list that holds one nothing is decided, and nothing counts."""
    whole = Answerer.scores

    def scores(self: Answerer, values: Any) -> list[float]:
        if values[0] == 13.0:
            raise ZeroDivisionError
        return whole(self, values)

    monkeypatch.setattr(Answerer, "scores", scores)
    monkeypatch.setattr(Answerer, "scores_all", lambda self, rows: [scores(self, values) for values in rows])
    one = gate(policy, answerer)
    listed = b"[" + event() + b"," + event(age=13) + b"]"
    found = one.answer_all([event(), event(age=13), listed, event(), event()])
    assert [each.status if isinstance(each, RequestError) else 200 for each in found] == [200, 500, 500, 200, 200]
    alone = gate(policy, answerer)
    good = [each[0] for each in found if not isinstance(each, RequestError)]
    assert good == [alone.answer(event()) for _ in range(3)]
