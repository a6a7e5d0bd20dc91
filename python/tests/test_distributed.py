"""Dask: parts on workers, and searches. A local cluster of two processes."""

import os
import signal

import joblib
import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from test_sweep import tables_equal

import onelayer
from onelayer import SoftmaxClassifier, distributed

da = pytest.importorskip("dask.array")
from distributed import Client, LocalCluster  # noqa: E402


@pytest.fixture(scope="module")
def client():
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            yield client


def parts(X, y, count):
    rows = -(-len(X) // count)
    return da.from_array(X, chunks=(rows, X.shape[1])), da.from_array(y, chunks=rows)


@pytest.mark.parametrize("engine", ["simd", "fixed"])
def test_one_part_has_the_bits_of_a_local_fit(client, images, engine):
    X, y = images.train[0][:3000], images.train[1][:3000]
    base = SoftmaxClassifier(epochs=3, engine=engine)
    local = clone(base).fit(X, y)
    for rounds in (None, 2):
        found = distributed.fit(*parts(X, y, 1), base, rounds=rounds)
        assert found.coef_.tobytes() == local.coef_.tobytes() and found.eta_ == local.eta_
        assert found.history_["train_accuracy"] == local.history_["train_accuracy"]
        assert found.predict(X).tolist() == local.predict(X).tolist()


def test_two_parts_are_as_good_as_a_local_fit(client, images):
    (X, y), (X_test, y_test) = images.train, images.test
    base = SoftmaxClassifier(epochs=10)
    local = clone(base).fit(X, y).score(X_test, y_test)
    found = distributed.fit(*parts(X, y, 2), base)
    assert abs(found.score(X_test, y_test) - local) <= 0.005
    # Whatever worker does what: the same bits.
    again = distributed.fit(*parts(X, y, 2), base)
    assert again.coef_.tobytes() == found.coef_.tobytes()
    # The mean and the deviation of bytes are exact.
    whole = SoftmaxClassifier(epochs=1).fit(X, y)
    np.testing.assert_allclose(found.mean_, whole.mean_, rtol=1e-7)
    np.testing.assert_allclose(found.scale_, whole.scale_, rtol=1e-7)


def test_floats_and_names_of_classes(client, digits):
    X, y = digits[0], digits[1].astype(str)
    found = distributed.fit(*parts(X, y, 3), SoftmaxClassifier(epochs=20), rounds=4)
    whole = SoftmaxClassifier(epochs=1).fit(X, y)
    np.testing.assert_allclose(found.scale_, whole.scale_, rtol=1e-6)
    assert found.score(X, y) > 0.95 and found.classes_.dtype == y.dtype
    assert abs(found.score(X, y) - found.history_["train_accuracy"][0]) < 1e-12


def test_features_of_parts_can_be_taken_as_they_are(client, digits):
    X, y = digits
    base = SoftmaxClassifier(epochs=20, no_standardize=True)
    found = distributed.fit(*parts(X, y, 2), base)
    assert (found.mean_ == 0).all() and (found.scale_ == 1).all() and found.score(X, y) > 0.9


def test_a_lost_worker_is_survived(images):
    X, y = images.train[0][:2000], images.train[1][:2000]
    base = SoftmaxClassifier(epochs=40)
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            expected = distributed.fit(*parts(X, y, 2), base, client=client)
            rounds = []
            average = onelayer._onelayer.average

            def losing(states):
                rounds.append(len(states))
                if len(rounds) == 3:
                    os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
                return average(states)

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(onelayer._onelayer, "average", losing)
                found = distributed.fit(*parts(X, y, 2), base, client=client)
            assert len(rounds) == 40
            assert found.coef_.tobytes() == expected.coef_.tobytes()


def test_shards_of_a_sweep_on_workers_are_a_local_sweep(client, digits):
    lists = dict(etas="1e-3..1e-1:3", penalties=[0.0, 0.01])
    base = SoftmaxClassifier(epochs=4)
    whole = onelayer.sweep(*digits, base, **lists)
    shards = [client.submit(onelayer.sweep, *digits, base, **lists, shard=(index, 3)) for index in (1, 2, 3)]
    merged = onelayer.merge_sweeps(client.gather(shards))
    assert tables_equal(merged.table, whole.table)


def test_joblib_searches_on_workers(client, digits):
    grid = {"penalty": [1e-4, 1e-2]}
    with joblib.parallel_config(backend="dask"):
        found = GridSearchCV(SoftmaxClassifier(epochs=5), grid, cv=3).fit(*digits)
        where = GridSearchCV(SoftmaxClassifier(epochs=1), grid, cv=2, scoring=lambda *_: os.getpid(), refit=False)
        where.fit(*digits)
    assert os.getpid() not in where.cv_results_["split0_test_score"]
    local = GridSearchCV(SoftmaxClassifier(epochs=5), grid, cv=3).fit(*digits)
    assert found.cv_results_["mean_test_score"].tolist() == local.cv_results_["mean_test_score"].tolist()


def test_what_cannot_be_distributed_is_told(client, digits):
    X, y = parts(*digits, 2)
    with pytest.raises(ValueError, match="X: expected two dimensions, in chunks of whole rows"):
        distributed.fit(X.rechunk((900, 32)), y)
    with pytest.raises(ValueError, match="y: expected the chunks of X"):
        distributed.fit(X, y.rechunk(100))
    with pytest.raises(ValueError, match="rounds: expected 1 to 5, the epochs, found 6"):
        distributed.fit(X, y, SoftmaxClassifier(epochs=5), rounds=6)
    with pytest.raises(ValueError, match="solver: expected sgd where parts are trained on, found lbfgs"):
        distributed.fit(X, y, SoftmaxClassifier(solver="lbfgs"))
    with pytest.raises(ValueError, match="early_stopping: expected False"):
        distributed.fit(X, y, SoftmaxClassifier(early_stopping=True))
    broken = digits[0].copy()
    broken[3, 2] = np.nan
    with pytest.raises(ValueError, match="X: expected finite numbers, found NaN in row 3"):
        distributed.fit(*parts(broken, digits[1], 2))
