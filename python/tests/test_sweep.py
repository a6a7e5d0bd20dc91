"""Sweeps find what a fit of each setting finds, in parts or at once."""

import numpy as np
import pytest
from sklearn.base import clone
from test_process import interrupted, many

import onelayer
from onelayer import SoftmaxClassifier

BASE = SoftmaxClassifier(epochs=4, eta=0.01, penalty=0.0)
ETAS, PENALTIES = [0.1, 0.01, 0.001], [0.0, 0.01]


def tables_equal(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_each_run_is_a_fit_of_its_settings(digits):
    X, y = digits
    held = (X[1500:], y[1500:])
    swept = onelayer.sweep(X[:1500], y[:1500], BASE, etas=ETAS, penalties=PENALTIES, validation=held)
    assert len(swept) == 6 and set(swept.table["status"]) == {"done"}
    for row in range(6):
        params = {name: swept.table[name][row] for name in ("eta", "penalty")}
        model = clone(BASE).set_params(**params).fit(X[:1500], y[:1500], validation=held)
        assert model.history_["validation_accuracy"][-1] == swept.table["validation_accuracy"][row]
        assert model.history_["validation_loss"][-1] == swept.table["validation_loss"][row]
        if row == 0:
            assert model.coef_.tobytes() == swept.best_estimator.coef_.tobytes()
    assert (np.diff(swept.table["validation_accuracy"]) <= 0).all()
    assert swept.best_estimator.score(*held) == swept.table["validation_accuracy"][0]
    assert swept.best_params == {name: swept.table[name][0] for name in ("eta", "penalty")}


def test_shards_make_the_same_table(digits):
    sweep = lambda **more: onelayer.sweep(*digits, BASE, etas="1e-4..1e-1:6", penalties=PENALTIES, **more)
    whole = sweep()
    merged = onelayer.merge_sweeps(sweep(shard=(index, 3)) for index in (3, 1, 2))
    assert tables_equal(merged.table, whole.table)
    assert merged.best_estimator.coef_.tobytes() == whole.best_estimator.coef_.tobytes()
    with pytest.raises(ValueError, match="parts: expected each shard once"):
        onelayer.merge_sweeps([whole, whole])


def test_halving_drops_the_worse_runs(digits):
    swept = onelayer.sweep(*digits, clone(BASE).set_params(epochs=16), etas="1e-5..1e-1:12", halving=3)
    assert list(swept.table["status"]).count("dropped") >= 8
    assert swept.table["status"][0] == "done"


def test_points_are_drawn_and_other_settings_vary(digits):
    grid = {"momentum": [0.0, 0.9], "schedule": ["constant", "linear"], "objective": ["softmax", "sigmoid"]}
    swept = onelayer.sweep(*digits, BASE, etas="1e-4..1e-1", grid=grid, random=10)
    assert len(swept) == 10 and swept.table["momentum"].dtype == float
    assert set(swept.table["schedule"]) == {"constant", "linear"}
    assert swept.best_estimator.schedule == swept.table["schedule"][0]


def test_the_best_is_trained_again_on_all_samples(digits):
    X, y = digits
    swept = onelayer.sweep(X[:1500], y[:1500], BASE, etas=ETAS, validation=(X[1500:], y[1500:]), refit=True)
    again = clone(BASE).set_params(**swept.best_params).fit(X, y)
    assert again.coef_.tobytes() == swept.best_estimator.coef_.tobytes()


def test_a_sweep_can_be_interrupted():
    X, y = many()
    sweep = lambda: onelayer.sweep(X, y, SoftmaxClassifier(epochs=10_000, eta=0.001), penalties=PENALTIES)
    assert interrupted(sweep, after=1.0) < 0.3


def test_what_cannot_be_swept_is_told(digits):
    with pytest.raises(ValueError, match="eta: expected at least one value, found none"):
        onelayer.sweep(*digits, etas=[])
    with pytest.raises(ValueError, match="shard: expected"):
        onelayer.sweep(*digits, etas=[1], shard=(3, 2))
    with pytest.raises(ValueError, match="halving: expected None with a shard"):
        onelayer.sweep(*digits, etas=ETAS, shard=(1, 2), halving=2)
    with pytest.raises(TypeError, match="expected a setting .* found speed"):
        onelayer.sweep(*digits, grid={"speed": [1]})
    with pytest.raises(ValueError, match="penalty: expected"):
        onelayer.sweep(*digits, penalties=[-1])
