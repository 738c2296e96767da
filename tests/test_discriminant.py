"""Linear discriminants, and the clouds that they are of."""

from __future__ import annotations

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from plimsoll import discriminant

RANDOM = np.random.default_rng(0)
MEANS = np.array([[0.0, 0.0, 0.0], [3.0, 0.0, 1.0], [0.0, 4.0, -1.0]])
TARGET = RANDOM.integers(0, 3, 900)
FEATURES = MEANS[TARGET] + RANDOM.normal(size=(900, 3)) * [1.0, 2.0, 0.1]


def test_discriminants_decide_as_those_of_scikit_learn_do():
    """Many rows of few features are hardly shrunk, so both are the same rule."""
    found = discriminant.fit(FEATURES, TARGET, 3).scores(FEATURES).argmax(axis=1)
    known = LinearDiscriminantAnalysis(solver="lsqr").fit(FEATURES, TARGET).predict(FEATURES)
    assert np.mean(found == known) > 0.99


def test_a_class_without_rows_is_never_answered():
    """It has no mean, and nothing is nearest to it."""
    found = discriminant.fit(FEATURES, TARGET, 4).scores(100 * RANDOM.normal(size=(500, 3)))
    assert 3 not in found.argmax(axis=1)


def test_rows_that_weigh_nothing_change_nothing():
    """``share`` is how often a row counts."""
    more = np.concatenate([FEATURES, RANDOM.normal(size=(100, 3)) + 50])
    share = np.concatenate([np.ones(900), np.zeros(100)])
    one = discriminant.fit(more, np.concatenate([TARGET, np.zeros(100, dtype=int)]), 3, share)
    two = discriminant.fit(FEATURES, TARGET, 3)
    assert np.allclose(one.weights, two.weights)
    assert np.allclose(one.offsets, two.offsets)


def test_clouds_that_are_made_round_are_of_size_one_and_come_back():
    """In their own coordinates the classes spread alike in every direction."""
    clouds = discriminant.clouds(FEATURES, TARGET, 3)
    found = clouds.whitened()
    apart = FEATURES @ found.root - found.means[TARGET]
    assert np.allclose(np.cov(apart.T), np.eye(3), atol=0.05)
    back = found.clouds()
    assert np.allclose(back.means, clouds.means)
    assert np.allclose(back.spread, clouds.spread)
    assert np.allclose(back.shares, clouds.shares)


def test_clouds_decide_as_the_discriminants_do():
    """The nearest mean where the clouds are round, but for how common a class is."""
    found = discriminant.clouds(FEATURES, TARGET, 3).whitened()
    apart = (FEATURES @ found.root)[:, None] - found.means
    nearest = (found.prior - 0.5 * (apart**2).sum(axis=2)).argmax(axis=1)
    assert np.mean(nearest == discriminant.fit(FEATURES, TARGET, 3).scores(FEATURES).argmax(axis=1)) > 0.99


def test_what_somebody_has_no_rows_of_is_as_it_is_for_everybody():
    """A person who never showed a gesture still has a mean of it."""
    everybody = discriminant.clouds(FEATURES, TARGET, 3)
    some = TARGET < 2
    own = discriminant.clouds(FEATURES[some] + 1.0, TARGET[some], 3).mixed(everybody, 0.5)
    assert np.allclose(own.means[2], everybody.means[2])
    assert not np.allclose(own.means[0], everybody.means[0])
    assert own.shares[2] > 0
