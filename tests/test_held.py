"""What a bundle keeps of users: found by any spelling of an id, the newest alone, and nothing believed that was not checked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from plimsoll.errors import BundleError
from plimsoll.fading import MOST
from plimsoll.held import MEMBER, Held
from plimsoll.ids import Ids
from plimsoll.rows import Histories, Past

ROWS = Histories.of([Past.of([3, 1]), Past.of([]), Past.of([0])], 4)


def held(ids: tuple[str, ...] = ("7", "8", "9")) -> Held:
    return Held.of(Ids.of(ids), ROWS)


def test_a_user_is_found_however_the_id_is_written():
    """1, "1" and 1.0 are one; "07" is another; who did nothing is known and has no history."""
    kept = held()
    for cell in (7, "7", 7.0, "7.0", " 7 "):
        past = kept.past(cell)
        assert past is not None
        assert past.items.tolist() == [3, 1], cell
    last = kept.past(9)
    assert last is not None
    assert last.items.tolist() == [0]
    assert len(kept.past(8).items) == 0  # type: ignore[union-attr]  # user 8 is known
    assert kept.past("07") is kept.past("x") is kept.past("") is None
    texts = held(("a", "b", "ç"))
    assert texts.past("ç").items.tolist() == [0]  # type: ignore[union-attr]  # ç is known
    assert texts.past(7) is None


def test_of_each_user_the_newest_events_are_kept():
    """A thousand where nothing else is said, and the last of a history that stands between others."""
    told = Histories.of([Past.of([1, 2, 3]), Past.of([0, 1, 2, 3]), Past.of([2])], 4)
    few = Held.of(Ids.of("abc"), told, most=2)
    assert [few.past(user).items.tolist() for user in "abc"] == [[2, 3], [2, 3], [2]]  # type: ignore[union-attr]  # all are known
    busy = Histories.of([Past.of([0] * 100_000 + [3])], 4)
    items = Held.of(Ids.of("a"), busy).past("a").items  # type: ignore[union-attr]  # a is known
    assert (len(items), items[-1]) == (MOST, 3)


def test_what_is_kept_is_read_back_with_its_weights():
    """Weights are written only where they are not all one, and events that no row has are not written at all."""
    assert "weights" not in load(held().members()[MEMBER])
    weighed = Histories(
        np.array([9, 1, 2, 9], np.int32), np.arange(4), np.array([1, 0.5, 2, 1], np.float32),
        np.array([1, 2]), np.array([2, 3]), 10,
    )  # fmt: skip
    kept = Held.of(Ids.of("ab"), weighed)
    assert kept.items.tolist() == [1, 2]
    again = Held.read(kept.members(), 10)
    assert again is not None
    assert [again.past(user).weights.tolist() for user in "ab"] == [[0.5], [2.0]]  # type: ignore[union-attr]  # all are known
    assert Held.read({}, 10) is None


def _of(**changes: Any) -> dict[str, Any]:
    arrays = load(held().members()[MEMBER])
    arrays.update(changes)
    return {name: array for name, array in arrays.items() if array is not None}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ids": None}, "holds no ids"),
        ({"ids": np.array([7, 7, 9])}, "rise"),
        ({"ids": np.array([7, 8])}, "2 users are not what they are to be"),
        ({"items": None}, "not what they are to be"),
        ({"items": np.array([3, 1, 0], np.int64)}, "not what they are to be"),
        ({"items": np.array([[3, 1, 0]], np.int32)}, "not what they are to be"),
        ({"items": np.array([3, 1, 4], np.int32)}, "an item that is not there"),
        ({"items": np.array([3, -1, 0], np.int32)}, "an item that is not there"),
        ({"stops": None}, "not what they are to be"),
        ({"stops": np.array([2, 1, 3])}, "do not follow one another"),
        ({"stops": np.array([-1, 2, 3])}, "do not follow one another"),
        ({"stops": np.array([2, 2, 2])}, "do not follow one another"),
        ({"stops": np.array([2, 2, 4])}, "do not follow one another"),
        ({"weights": np.array([1, 1], np.float32)}, "not what they are to be"),
        ({"weights": np.array([1, np.nan, 1], np.float32)}, "weighs what no event can"),
        ({"weights": np.array([1, -1, 1], np.float32)}, "weighs what no event can"),
        ({"weights": np.array([1, np.inf, 1], np.float32)}, "weighs what no event can"),
        ({"names": np.zeros(3, np.int64)}, '"names", which says nothing of users'),
    ],
)
def test_what_is_not_sound_is_refused(changes: dict[str, Any], said: str):
    """Each fault by its own line; the arrays without it are taken."""
    assert Held.read({MEMBER: save(_of())}, 4) is not None
    with pytest.raises(BundleError, match=said):
        Held.read({MEMBER: save(_of(**changes))}, 4)


def test_a_collection_that_is_smaller_than_what_users_had_is_refused():
    """Members of two bundles do not go together, though each is sound."""
    with pytest.raises(BundleError, match="an item that is not there"):
        Held.read(held().members(), 3)
