"""What answers can be changed while it answers: swapped, taken back, tried beside; nothing fails and nothing is mixed."""

from __future__ import annotations

import asyncio
import gc
import json
from pathlib import Path
from typing import Any

import pytest

from plimsoll.errors import BundleError, UserError
from plimsoll.serve.house import Orders, build
from plimsoll.serve.rival import Side
from plimsoll.serve.routes import Keys
from plimsoll.serve.served import Served
from plimsoll.serve.steering import Helm, Order, ordered, standing
from plimsoll.serve.version import Origin, Version, load
from serving_toys import find, write_two
from test_app import Reply, ask, error
from test_gate import TEXT, event

ROW = b'{"age": 39, "job": "cook"}'
ADMIN = "an-admin-token-of-some-length"
KEY = {"authorization": f"Bearer {ADMIN}"}


@pytest.fixture(autouse=True)
def _catalogue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plimsoll.catalogue.find", find)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two bundles that answer otherwise, and a policy."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "policy.toml").write_text(TEXT)
    write_two(tmp_path)
    return tmp_path


def version(name: str, policy: str | None = None) -> Version:
    return load(Origin(Path(name), Path(policy) if policy else None))


def says(served: Served, body: bytes = ROW, path: bytes = b"/predict") -> Any:
    return json.loads(served.ways[path].answer_counted(body)[0])


def test_a_swap_changes_the_next_answer_and_can_be_taken_back(here: Path):
    """To the last bit."""
    served = Served(version("one"))
    before = says(served)
    served.swap(version("two"))
    after = says(served)
    assert after != before
    served.back()
    assert says(served) == before
    served.back()
    assert says(served) == after


def test_there_is_nothing_to_go_back_to_before_a_swap(here: Path):
    """Which is told, and changes nothing."""
    served = Served(version("one"))
    for change in (served.back, served.promote):
        with pytest.raises(UserError, match="There is no version"):
            change()
    assert says(served) == says(Served(version("one")))


def test_a_new_policy_goes_on_counting(here: Path):
    """Counters that both policies define alike are taken over; one that is defined otherwise begins anew."""
    served = Served(version("one", "policy.toml"))
    for _ in range(2):
        says(served, event(), b"/decide")
    Path("same.toml").write_text(TEXT.replace('name = "toy"', 'name = "same"'))
    served.swap(version("one", "same.toml"))
    assert _fired(served, "often")
    Path("other.toml").write_text(TEXT.replace('within = "1 min"', 'within = "2 min"'))
    served.swap(version("one", "other.toml"))
    assert [_fired(served, "often") for _ in range(3)] == [False, False, True]


def _fired(served: Served, rule: str) -> bool:
    """Whether a rule fires on the next event."""
    gate = served.now.gate
    assert gate is not None
    return rule in gate.decide(gate._reader.read(event())[0][0])[0].fired


def test_a_shadow_is_asked_about_everything_and_answers_nobody(here: Path):
    """It is compared, off the way of the answers."""
    served = Served(version("one"))
    alone = [says(served, body) for body in bodies(40)]
    served.challenge(version("two"))
    assert [says(served, body) for body in bodies(40)] == alone
    side = served.ways[b"/predict"]
    assert isinstance(side, Side)
    assert side.told.compared == 0
    side.compare()
    other = Served(version("two"))
    same = sum(
        one["prediction"] == says(other, body)["prediction"] for one, body in zip(alone, bodies(40), strict=True)
    )
    assert (side.told.compared, side.told.same) == (40, same)
    assert sum(side.told.changes.values()) == 40 - same
    assert side.told.now.count == side.told.rival.count == 40


def test_a_canary_answers_its_share_and_always_the_same_requests(here: Path):
    """Chosen by the bytes of a request."""
    one, two = Served(version("one")), Served(version("two"))
    served = Served(version("one"))
    served.challenge(version("two"), 0.3)
    answers = [says(served, body) for body in bodies(400)]
    assert answers == [says(served, body) for body in bodies(400)]
    chosen = [answer == says(two, body) for answer, body in zip(answers, bodies(400), strict=True)]
    assert 0.2 * 400 < sum(chosen) < 0.4 * 400
    assert all(
        answer == says(one, body) for answer, body, by in zip(answers, bodies(400), chosen, strict=True) if not by
    )


def test_both_sides_of_a_canary_count_every_event(here: Path):
    """So that a counter means the same, whoever answers."""
    alone = Served(version("one", "policy.toml"))
    expected = [says(alone, event(), b"/decide")["outcome"] for _ in range(6)]
    served = Served(version("one", "policy.toml"))
    served.challenge(version("one", "policy.toml"), 0.5)
    side, told = served.ways[b"/decide"], []
    assert isinstance(side, Side)
    for _ in range(6):
        told.append(says(served, event(), b"/decide")["outcome"])
        side.compare()
    assert told == expected
    assert side.told.same == 6


def test_a_candidate_that_fails_harms_nobody(here: Path, monkeypatch: pytest.MonkeyPatch):
    """Its failures are counted."""
    served, rival = Served(version("one")), version("two")
    alone = says(served)
    served.challenge(rival)

    def broken(body: bytes) -> tuple[bytes, int]:
        raise ZeroDivisionError

    monkeypatch.setattr(rival.answerer, "answer_counted", broken)
    assert says(served) == alone
    side = served.ways[b"/predict"]
    assert isinstance(side, Side)
    side.compare()
    assert (side.told.compared, side.told.failed) == (0, 1)


def test_a_shadow_catches_up_when_the_server_is_idle(here: Path):
    """Within the loop that answers, a little at a time."""
    served = Served(version("one"))
    served.challenge(version("two"))
    side = served.ways[b"/predict"]
    assert isinstance(side, Side)

    async def turn() -> int:
        for body in bodies(50):
            side.answer_counted(body)
        for _ in range(200):
            await asyncio.sleep(0.005)
            if side.told.compared == 50:
                break
        return side.told.compared

    assert asyncio.run(turn()) == 50


def bodies(many: int) -> list[bytes]:
    return [json.dumps({"age": age, "job": "cook"}).encode() for age in range(many)]


def test_what_a_late_worker_begins_with_is_what_the_others_came_to():
    """By the list of changes alone."""
    a, b, c = (Origin(Path(name)) for name in "abc")
    made = [ordered("swap", b), ordered("candidate", c, 0.2), Order("dismiss"), Order("rollback"), Order("reset")]
    assert [standing(a, made[:k]).now for k in range(6)] == [a, b, b, b, a, a]
    assert standing(a, made[:2]).rival == c
    assert standing(a, [*made, Order("promote")]).now == a


def test_orders_are_made_one_at_a_time(here: Path):
    """And one that fails leaves everything as it was."""
    served = Served(version("one"))
    helm = Helm(served, load)

    async def orders() -> None:
        await asyncio.gather(*(helm.do(ordered("swap", Origin(Path(name)))) for name in ("two", "one", "two")))
        with pytest.raises(BundleError):
            await helm.do(ordered("swap", Origin(Path("policy.toml"))))
        with pytest.raises(UserError, match="no change"):
            await helm.do(Order("sink"))

    asyncio.run(orders())
    assert says(served) == says(Served(version("two")))


@pytest.fixture
def app(here: Path) -> Any:
    return build(
        Orders(Origin(Path("one"), Path("policy.toml")), keys=Keys("a-caller-token-of-some-length", ADMIN))
    ).app


def told(reply: Reply) -> Any:
    assert reply[0] == 200, reply[2]
    return json.loads(reply[2])


def test_an_admin_swaps_tries_promotes_and_goes_back(app: Any):
    """Over HTTP, and is shown each time what is served."""
    first = told(ask(app, "GET", "/admin", **KEY))
    assert first["now"]["policy_name"] == "toy"
    assert first["before"] is None
    found = told(ask(app, "POST", "/admin/swap", b'{"bundle": "two"}', **KEY))
    assert (found["now"]["bundle"], found["now"]["policy"], found["before"]["bundle"]) == ("two", "policy.toml", "one")
    assert found["now"]["digest"] != first["now"]["digest"]
    found = told(ask(app, "POST", "/admin/candidate", b'{"bundle": "one", "share": 0.25}', **KEY))
    assert (found["rival"]["bundle"], found["rival"]["share"]) == ("one", 0.25)
    assert told(ask(app, "POST", "/admin/dismiss", **KEY))["rival"] is None
    told(ask(app, "POST", "/admin/candidate", b'{"bundle": "one"}', **KEY))
    assert told(ask(app, "POST", "/admin/promote", **KEY))["now"]["bundle"] == "one"
    assert told(ask(app, "POST", "/admin/rollback", b"{}", **KEY))["now"]["bundle"] == "two"
    assert told(ask(app, "POST", "/admin/reset", **KEY))["now"]["held_back"] == []


@pytest.mark.parametrize(
    ("path", "body", "status", "says"),
    [
        ("swap", b'{"bundle": "none"}', 409, "none: "),
        ("swap", b'{"bundle": "policy.toml"}', 409, "policy.toml: "),
        ("swap", b'{"bundle": "/etc"}', 403, "--swap-from DIR"),
        ("swap", b'{"bundle": "../elsewhere"}', 403, "--swap-from DIR"),
        ("swap", b'{"bundle": "a\\u0000b"}', 422, "not a path"),
        ("swap", b'{"bundle": "two", "share": 0.5}', 422, "only a candidate"),
        ("swap", b'{"bundel": "two"}', 422, "looks like"),
        ("swap", b"{", 400, "looks like"),
        ("candidate", b'{"share": 2}', 422, "from 0 (a shadow) to 1"),
        ("rollback", b"{}", 409, "no version to go back to"),
        ("rollback", b'{"to": 3}', 422, "looks like"),
        ("promote", b"{}", 409, "no version beside"),
    ],
)
def test_an_order_that_cannot_be_carried_out_changes_nothing(app: Any, path: str, body: bytes, status: int, says: str):
    """It is told what was wrong."""
    before = told(ask(app, "GET", "/admin", **KEY))
    found = error(ask(app, "POST", f"/admin/{path}", body, **KEY))
    assert found[0] == status, found
    assert says in found[1]
    assert told(ask(app, "GET", "/admin", **KEY)) == before


def test_who_may_ask_may_not_say_what_is_served(app: Any, here: Path):
    """The two tokens are two; and without the second there are no such pages."""
    caller = {"authorization": "Bearer a-caller-token-of-some-length"}
    for given in ({}, caller, {"authorization": "Bearer wrong"}):
        assert error(ask(app, "GET", "/admin", **given))[0] == 401
        assert error(ask(app, "POST", "/admin/swap", b'{"bundle": "two"}', **given))[0] == 401
    assert error(ask(app, "POST", "/predict", ROW, **KEY))[0] == 401
    assert ask(app, "POST", "/predict", ROW, **caller)[0] == 200
    plain = build(Orders(Origin(Path("one")))).app
    assert error(ask(plain, "GET", "/admin"))[0] == 404


def test_what_waits_when_a_swap_comes_is_answered_by_one_or_the_other(here: Path):
    """Every one of them, and never by a mixture."""
    one, two = Served(version("one")), Served(version("two"))
    house = build(Orders(Origin(Path("one"))))
    got: list[tuple[bytes, int, bytes]] = []

    class Asker:
        def __init__(self, body: bytes) -> None:
            self.body = body

        def reply(self, status: int, body: bytes) -> None:
            got.append((self.body, status, body))

    async def turns() -> None:
        loop = asyncio.get_running_loop()
        for place, body in enumerate(bodies(300)):
            house.app.desk.put(Asker(body), body, loop, b"/predict")
            if place % 7 == 0:
                house.served.swap(version("two" if place % 2 else "one"))
            if place % 5 == 0:
                await asyncio.sleep(0)
        house.app.desk.finish()

    asyncio.run(turns())
    assert len(got) == 300
    for body, status, answer in got:
        assert status == 200
        assert json.loads(answer) in (says(one, body), says(two, body))


def test_a_page_that_a_change_takes_away_is_gone_and_not_broken(here: Path):
    """Whoever waited for a decision when the policy went is told so."""
    house = build(Orders(Origin(Path("one"))))
    house.served.swap(version("one", "policy.toml"))
    got: list[int] = []

    class Asker:
        def reply(self, status: int, body: bytes) -> None:
            got.append(status)

    async def turn() -> None:
        house.app.desk.put(Asker(), event(), asyncio.get_running_loop(), b"/decide")
        house.served.back()
        house.app.desk.finish()

    asyncio.run(turn())
    assert got == [404]


def test_swaps_leave_nothing_behind(here: Path):
    """What went is gone, however many there were."""
    helm = Helm(Served(version("one")), load)

    async def swaps(many: int) -> int:
        for k in range(many):
            await helm.do(ordered("swap", Origin(Path(("two", "one")[k % 2]), Path("policy.toml"))))
        return len(gc.get_objects())

    gc.freeze()  # as a server does before its first request
    try:
        before = asyncio.run(swaps(300))  # until caches of other libraries are full
        assert asyncio.run(swaps(100)) - before < 500
    finally:
        gc.unfreeze()
