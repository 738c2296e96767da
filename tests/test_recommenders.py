"""What every recommender keeps: it learns, one is as many, saved is loaded, reasons add up, and memory is foretold."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from plimsoll import als, content, ease, links, neighbours, popular, tandem, transitions
from plimsoll.rows import Histories
from plimsoll.scorer import Explaining, Scorer
from recommend_toys import chains, groups, hit_rate, told, weighed

FITS: dict[str, tuple[Callable[[Histories], Scorer], Callable]] = {
    "popular": (popular.fit, popular.of),
    "transitions": (transitions.fit, links.of),
    "cosine": (neighbours.cosine, links.of),
    "walk": (neighbours.walk, links.of),
    "ease": (lambda histories: ease.fit(histories, ridge=5.0), ease.of),
    "ease, links": (lambda histories: ease.fit(histories, ridge=5.0, keep=20), links.of),
    "content": (lambda _: content.of_features(np.eye(4)[np.arange(40) // 10]), content.of),
    "tandem": (lambda histories: tandem.Tandem(ease.fit(histories, 5.0), transitions.fit(histories), 4.0), tandem.of),
    "factors": (lambda histories: als.fit(histories, factors=8, rounds=6), als.of),
}
every = pytest.mark.parametrize("name", FITS)
explaining = pytest.mark.parametrize("name", [name for name in FITS if name != "popular"])


def fitted(name: str, histories: Histories) -> Scorer:
    return FITS[name][0](histories)


@explaining
def test_the_rest_of_a_group_is_found(name: str):
    """Of forty items, those that are left of one's own group of ten stand first."""
    model, asked = fitted(name, groups()), groups(people=20, seed=1)
    missing = np.array(
        [max(set(range(10 * (row % 4), 10 * (row % 4) + 10)) - set(asked.cell(row))) for row in range(20)]
    )
    assert hit_rate(model.scores(asked), asked, missing, best=4) > 0.9


@every
def test_one_history_scores_as_it_does_among_others(name: str):
    """To the last bit, with weights and with an empty history among them."""
    histories = weighed(told([*[groups().cell(row).tolist() for row in range(9)], []], 40))
    model = fitted(name, histories)
    found = model.scores(histories)
    assert found.dtype == np.float32
    assert found.shape == (10, 40)
    assert np.isfinite(found).all()
    for row in range(10):
        weights = histories.weights[histories.starts[row] : histories.ends[row]]
        assert model.score_one(histories.cell(row), weights).tolist() == found[row].tolist()
    assert model.scores(histories.take(np.array([4])))[0].tolist() == found[4].tolist()


@every
def test_a_model_that_was_saved_scores_the_same(name: str):
    """Through safetensors, to the last bit."""
    model, asked = fitted(name, weighed(groups())), groups(people=9, seed=1)
    again = FITS[name][1](load_arrays(save_arrays({key: np.asarray(part) for key, part in model.arrays().items()})))
    assert type(again) is type(model)
    assert again.scores(asked).tolist() == model.scores(asked).tolist()


@every
def test_arrays_that_cannot_be_a_model_are_refused(name: str):
    """One is missing, one is of another type or shape, or one holds what is not finite."""
    arrays = fitted(name, groups()).arrays()
    for key, part in arrays.items():
        others = [
            np.full_like(np.asarray(part, dtype=np.float64), np.nan),
            np.zeros((2, 3, 4), np.float32),
            part.astype(str),
        ]
        for wrong in others:
            with pytest.raises(ValueError, match=r"\w"):
                FITS[name][1]({**arrays, key: wrong})
        with pytest.raises(ValueError, match="were to be"):
            FITS[name][1]({other: value for other, value in arrays.items() if other != key})


@explaining
def test_the_events_that_speak_for_an_item_add_up_to_its_score(name: str):
    """With weights, and of a history that is longer than what is looked at."""
    model = fitted(name, groups())
    assert isinstance(model, Explaining)
    rng = np.random.default_rng(3)
    for length in (0, 1, 7, 90):
        items, weights = rng.integers(0, 40, length), rng.uniform(0.5, 2.0, length).astype(np.float32)
        scores = model.score_one(items, weights)
        for item in (0, 17, 39):
            said = model.because(items, item, weights)
            assert said.shape == (length,)
            assert said.sum() == pytest.approx(scores[item], abs=2e-5)


@explaining
def test_what_is_newer_speaks_louder(name: str):
    """A history that goes from one group to another is answered with the second's items."""
    model = fitted(name, groups())
    turned = model.score_one(np.array([*range(5), *range(10, 15)]))
    assert turned[15:20].mean() > turned[5:10].mean()


@every
def test_nothing_learned_is_no_error(name: str):
    """No events at all: scores are finite, whatever is asked."""
    model = fitted(name, told([[], []], 40))
    assert np.isfinite(model.score_one(np.array([3, 4]))).all()


MEMORY = {
    "popular": popular.memory,
    "transitions": transitions.memory,
    "cosine": neighbours.memory,
    "walk": neighbours.memory,
    "ease": ease.memory,
    "ease, links": lambda *sizes: ease.memory(*sizes, keep=20),
    "factors": lambda *sizes: als.memory(*sizes, factors=8),
}


@pytest.mark.parametrize("name", MEMORY)
@pytest.mark.parametrize(("people", "many"), [(3_000, 300), (300, 1_500)])
def test_a_fit_holds_no_more_than_was_foretold(name: str, people: int, many: int, monkeypatch: pytest.MonkeyPatch):
    """Of more people than items and of fewer, with blocks so small that what grows is what is measured."""
    for room, block in (
        (transitions, "_CELLS"),
        (transitions, "_EVENTS"),
        (neighbours, "_WORK"),
        (ease, "_CELLS"),
        (als, "_CELLS"),
    ):
        monkeypatch.setattr(room, block, 2_000)
    histories = groups(people=people, many=many, takes=9)
    fitted(name, histories)  # what is imported at first is not the fit's
    tracemalloc.start()
    fitted(name, histories)
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    foretold = MEMORY[name](many, people, len(histories.items))
    assert held <= foretold + 200_000
    assert foretold <= 20 * held + 300_000


def test_a_chain_is_followed_by_transitions_alone():
    """After each of thirty numbers the next one; to who counts what was taken together, the one before is as near."""
    histories = chains(people=400)
    followed = transitions.fit(histories, window=5, gamma=0.5)
    beside = neighbours.cosine(histories)
    assert [int(followed.score_one(np.array([item])).argmax()) for item in range(30)] == [*range(1, 30), 0]
    ahead = [beside.score_one(np.array([item]))[(item + 1) % 30] for item in range(30)]
    behind = [beside.score_one(np.array([item]))[item - 1] for item in range(30)]
    assert np.mean(ahead) == pytest.approx(np.mean(behind), rel=0.01)
