"""A bundle that recommends, asked as the server asks it: its lists, its pages, its watch, and what it says it cannot do."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import schemathesis
from hypothesis import given
from openapi_spec_validator import OpenAPIV31SpecValidator

from listed_toys import histories, listed, lister, model
from plimsoll import bundle, catalogue, challenge, predict, watch_command
from plimsoll.bundle import Bundle
from plimsoll.errors import BundleError, JobError, PolicyError, UserError
from plimsoll.held import MEMBER
from plimsoll.policy import reading
from plimsoll.rows import Past
from plimsoll.serve.answering import answering
from plimsoll.serve.lister import Lister
from plimsoll.serve.monitor import Monitor
from plimsoll.serve.served import Served
from plimsoll.serve.version import Version
from serving_toys import find, over, toy
from test_app import ask
from test_openapi_fuzz import CHECKS, FUZZ


def answer(value: Any, by: Lister | None = None) -> Any:
    return json.loads((by or lister()).answer(json.dumps(value).encode()))


def ids(told: Any) -> list[int]:
    return [each["id"] for each in told["items"]]


def test_a_user_gets_what_the_model_lists():
    """The first ten, or as many as were asked for, with the scores of the model, and none that was seen."""
    due = model().answer([histories().past(3)])
    told = answer({"who": 3})
    assert ids(told) == due["item"][:10].tolist()
    assert [each["score"] for each in told["items"]] == due["score"][:10].tolist()
    assert told["known"] is True
    assert "passed" not in told
    assert len(ids(answer({"who": 3, "k": 100}))) == 100
    assert ids(answer({"who": 3, "k": 2})) == due["item"][:2].tolist()
    assert not {*ids(answer({"who": 3, "k": 100}))} & {*histories().cell(3).tolist()}


def test_a_history_that_is_brought_along_is_answered_as_one_that_is_kept():
    """Whole, or the newest part of it as what came since; and a bundle that keeps nothing gives the same."""
    own = histories().cell(3).tolist()
    due = answer({"who": 3})
    assert answer({"who": own}) == due
    assert answer({"who": [str(item) for item in own]}, lister(forget=True)) == due
    assert answer({"who": own[:-2], "since": own[-2:]}) == due
    assert answer({"who": 3, "since": [0]}) != due
    assert answer({"who": 3}, lister(forget=True))["known"] is False


def test_an_item_that_came_since_is_not_listed_unless_it_may_come_again():
    """What a user just had is history too."""
    first = ids(answer({"who": 3}))[0]
    assert first not in ids(answer({"who": 3, "since": [first], "k": 100}))
    again = lister(again=True)
    assert {*ids(answer({"who": 3, "k": 100}, again))} & {*histories().cell(3).tolist()}


def test_callers_say_what_may_be_listed():
    """Both wishes hold at once; unknown items are passed over; with nothing left the list is empty."""
    best = ids(answer({"who": 3}))
    assert ids(answer({"who": 3, "without": best[:2], "k": 3})) == best[2:5]
    assert ids(answer({"who": 3, "only": [best[4], best[1], "x"]})) == [best[1], best[4]]
    assert ids(answer({"who": 3, "only": best[:3], "without": best[:1]})) == best[1:3]
    assert ids(answer({"who": 3, "only": []})) == []
    assert ids(answer({"who": 3, "only": histories().cell(3).tolist()})) == []
    assert answer({"who": ["0", "x"]})["passed"] == 1


def test_each_item_says_what_speaks_for_it():
    """At most three events of the history, the strongest first, with their shares of all that does; to nobody known, nothing."""
    told = answer({"who": 3, "why": True})
    own = histories().cell(3).tolist()
    for item in told["items"]:
        shares = [each["share"] for each in item["because"]]
        assert 1 <= len(shares) <= 3
        assert {each["id"] for each in item["because"]} <= set(own)
        assert shares == sorted(shares, reverse=True)
        assert 0 < sum(shares) <= 1 + 1e-6
    past = histories().past(3)
    spoken = model().because(past, ids(told)[0])
    assert spoken is not None
    assert told["items"][0]["because"][0]["id"] == own[int(np.argmax(spoken))]
    assert all(item["because"] == [] for item in answer({"why": True})["items"])


def test_rows_together_are_answered_as_alone():
    """In a list, under rows, and requests that come at once, a broken one among them."""
    one = lister()
    rows = [{"who": 3}, {"who": "nobody", "k": 1}, {"who": [1, 2], "why": True}]
    alone = [answer(row) for row in rows]
    assert answer(rows) == answer({"rows": rows}) == alone
    assert answer([]) == answer({"rows": []}) == []
    bodies = [json.dumps(rows[0]).encode(), b"{", json.dumps(rows).encode()]
    first, fault, last = one.answer_all(bodies)
    assert first == one.answer_counted(bodies[0])
    assert isinstance(fault, UserError)
    assert last == one.answer_counted(bodies[2])
    assert one.answer_counted(bodies[2])[1] == 3


def test_a_bundle_is_written_and_read_with_all_that_it_answers_by(tmp_path: Path):
    """As a folder and as one file; what is loaded in Python answers alike."""
    bundle.write(tmp_path / "made", listed())
    bundle.pack(tmp_path / "made", tmp_path / "made.plimsoll")
    for place in (tmp_path / "made", tmp_path / "made.plimsoll"):
        assert answer({"who": 3}, answering(bundle.read(place))) == answer({"who": 3})  # type: ignore[arg-type]  # it is one of lists
    assert predict.load(tmp_path / "made").predict({"who": 3}) == answer({"who": 3})


def _without(name: str) -> Bundle:
    made = listed()
    return replace(made, members={each: data for each, data in made.members.items() if each != name})


def test_members_that_do_not_go_together_are_refused():
    """A collection that is not there, or another one; users of another; a model of other items."""
    with pytest.raises(BundleError, match="its answers have no names"):
        Lister(_without("collection.json"))
    with pytest.raises(BundleError, match="item_knn"):
        Lister(_without("item_knn.safetensors"))
    made = listed()
    column = replace(made.schema.columns[0], distinct=119)
    with pytest.raises(BundleError, match="120 items, and the schema says 119"):
        Lister(replace(made, schema=replace(made.schema, columns=(column,))))
    garbled = {**made.members, MEMBER: made.members[MEMBER][:-4] + b"\xff" * 4}
    with pytest.raises(BundleError, match="users"):
        Lister(replace(made, members=garbled))


def test_the_page_tells_of_lists_and_of_nothing_else():
    """OpenAPI 3.1; no tensors to infer, and no labels to send."""
    shown = json.loads(ask(over(lister()), "GET", "/openapi.json")[2])
    assert not list(OpenAPIV31SpecValidator(shown).iter_errors())
    assert "/predict" in shown["paths"]
    assert "/feedback" not in shown["paths"]
    assert not [path for path in shown["paths"] if path.endswith("/infer")]
    row = shown["components"]["schemas"]["Row"]
    assert list(row["properties"]) == ["who", "k", "since", "without", "only", "why"]
    assert (row["properties"]["k"]["minimum"], row["properties"]["k"]["maximum"]) == (1, 100)


@pytest.mark.parametrize("mode", [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE])
def test_what_is_posted_is_answered_as_the_page_says(mode: schemathesis.GenerationMode):
    """By the page, and against it: the status, its headers and the form of the body are those that it names."""
    operation = schemathesis.openapi.from_asgi("/openapi.json", over(lister()))["/predict"]["POST"]
    told: Counter[int] = Counter()

    @FUZZ
    @given(case=operation.as_strategy(generation_mode=mode))
    def fuzzed(case: schemathesis.Case) -> None:
        told[case.call_and_validate(checks=CHECKS).status_code] += 1

    fuzzed()
    assert sum(told.values()) >= FUZZ.max_examples // 2
    if mode is schemathesis.GenerationMode.POSITIVE:
        assert told[200] >= 3, told


def test_lists_are_no_tensors_and_take_no_labels():
    """Each is said in a line; what a protocol's client asks first is answered all the same."""
    app = over(lister())
    status, _, body = ask(app, "GET", "/v2/models/film")
    assert (status, json.loads(body)["inputs"], json.loads(body)["outputs"]) == (200, [], [])
    status, _, body = ask(app, "POST", "/v2/models/film/infer", b'{"inputs": []}')
    assert status == 422
    assert "no tensors" in json.loads(body)["error"]
    status, _, body = ask(app, "POST", "/feedback", b'{"answer": {}, "truth": 3}')
    assert status == 422
    assert "lists take no labels" in json.loads(body)["error"]["message"]


def test_histories_are_watched_and_their_drift_is_an_alarm():
    """As long as those of the test: calm; hundreds of users of whom nothing is known: not."""
    for body, alarms in ((None, 0), (b'{"who": "nobody"}', 1)):
        app = over(lister())
        for user in range(200):
            ask(app, "POST", "/predict", body or b'{"who": %d}' % user)
        app.monitor.drain()
        status, _, told = ask(app, "GET", "/watch")
        found = json.loads(told)
        assert (status, found["rows"], found["passed_over"]) == (200, 200, 0)
        assert [each["name"] for each in found["columns"]] == ["who"]
        assert len(found["alarms"]) == alarms, found["alarms"]
    assert b'plimsoll_drift_psi{column="who"}' in ask(app, "GET", "/metrics")[2]


def test_a_server_changes_from_rows_to_lists_and_back(monkeypatch: pytest.MonkeyPatch):
    """Each is answered and watched in its own way; a bundle of lists may stand beside one of rows."""
    loaded = catalogue.find
    monkeypatch.setattr("plimsoll.catalogue.find", lambda name: find(name) if name == "echo" else loaded(name))
    rows, lists = Version(answering(toy())), Version(lister())
    served = Served(rows)
    monitor = Monitor(served)
    for version, body, key in ((lists, b'{"who": 3}', "items"), (rows, b'{"age": 3}', "prediction")):
        served.swap(version)
        told = served.ways[b"/predict"].answer(body)
        assert key in json.loads(told)
        monitor.note(b"/predict", body, told)
        monitor.drain()
        assert monitor.watch is not None, monitor.fault
        assert (monitor.watch.rows, monitor.watch.passed_over) == (1, 0)
    served.back()
    assert "items" in json.loads(served.ways[b"/predict"].answer(b"{}"))


def test_what_asks_for_scores_of_rows_is_refused(tmp_path: Path):
    """A policy, a stream, a refit and a file to watch, each in a line."""
    place = tmp_path / "made"
    bundle.write(place, listed())
    rules = '[[rules]]\nname = "r"\nwhen = "n > 3"\nthen = "a"\n'
    (tmp_path / "p.toml").write_text('name = "p"\noutcomes = ["a", "b"]\n[fields]\nn = "number"\n' + rules)
    with pytest.raises(PolicyError, match="lists of items"):
        reading.read(tmp_path / "p.toml", listed().schema)
    with pytest.raises(JobError, match="not streams"):
        lister().session()
    with pytest.raises(JobError, match="one by one"):
        lister().decide(predict.Rows(0, {}))
    with pytest.raises(JobError, match="a policy decides"):
        lister().scores([Past.of([])])
    with pytest.raises(UserError, match="a file holds no requests"):
        watch_command.looked(place, "rows.csv")
    (tmp_path / "run.json").write_text(json.dumps({"job": listed().job.as_json(), "chosen": "t001", "trials": []}))
    place.rename(tmp_path / "bundle")
    with pytest.raises(UserError, match="A refit takes rows"):
        challenge.challenge(tmp_path, "rows.csv", "labels.csv", tmp_path / "out")
