"""`solver="lbfgs"` in the place of scikit-learn's LogisticRegression."""

import pickle
import warnings

import numpy as np
import pytest
from conftest import command
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

import onelayer
from onelayer import SoftmaxClassifier, _onelayer

OURS = SoftmaxClassifier(solver="lbfgs", C=0.01, tol=1e-6)
THEIRS = LogisticRegression(C=0.01, tol=1e-8, max_iter=10_000)


@pytest.fixture(autouse=True)
def no_warning_is_overlooked():
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        yield


def data_set(name):
    """X of float64, and y."""
    match name:
        case "digits":
            return load_digits(return_X_y=True)
        case "two classes":
            return load_breast_cancer(return_X_y=True)
        case "made":
            return make_classification(
                3000, 40, n_informative=20, n_classes=6, n_clusters_per_class=1, random_state=0
            )


def objective(x, y, W, b, C, weights=1.0):
    """What LogisticRegression minimizes, over C N, in f64; x is standardized."""
    scores = x @ W.astype(np.float64).T + b
    if len(W) == 1:
        scores = np.hstack([np.zeros_like(scores), scores])
    scores -= scores.max(1, keepdims=True)
    losses = np.log(np.exp(scores).sum(1)) - scores[np.arange(len(y)), y]
    return np.mean(weights * losses) + (W.astype(np.float64) ** 2).sum() / (2 * C * len(y))


def theirs_of(model):
    """coef and intercept as scikit-learn has them: of two classes one row."""
    W, b = model.coef_.astype(np.float64), model.intercept_.astype(np.float64)
    return (W, b) if len(W) > 2 else (W[1:] - W[:1], b[1:] - b[:1])


@pytest.mark.parametrize("name", ["digits", "made", "two classes"])
def test_the_optimum_is_logistic_regressions(name):
    X, y = data_set(name)
    x = StandardScaler().fit_transform(X)
    ours, theirs = clone(OURS).fit(X, y), clone(THEIRS).fit(x, y)
    (W, b), C = theirs_of(ours), 0.01
    best = objective(x, y, theirs.coef_, theirs.intercept_, C)
    found = objective(x, y, W, b, C)
    off = np.abs(W - theirs.coef_).max() / np.abs(theirs.coef_).max()
    print(f"{name}: {found / best - 1:.1e} above, weights off by {off:.1e}, {ours.n_iter_} iterations, {theirs.n_iter_[0]}")
    assert abs(found / best - 1) < 1e-6
    for one, other in ((W, theirs.coef_), (b, theirs.intercept_)):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-3 * np.abs(other).max())
    assert np.mean(ours.predict(X) != theirs.predict(x)) <= 0.002
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(x), rtol=0, atol=1e-3)
    # The checker rejects what is not the optimum.
    assert objective(x, y, 1.01 * W, b, C) / best - 1 > 1e-6


def test_weights_of_samples_and_classes_are_logistic_regressions():
    X, y = data_set("digits")
    x = StandardScaler().fit_transform(X)
    weights = np.random.default_rng(0).uniform(0.1, 3, len(y))
    for params, fit in (({}, {"sample_weight": weights}), ({"class_weight": {0: 5.0, 3: 0.2}}, {})):
        theirs = clone(THEIRS).set_params(**params).fit(x, y, **fit)
        ours = clone(OURS).set_params(**params).fit(X, y, **fit)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=0, atol=1e-3 * np.abs(theirs.coef_).max())


def test_a_sample_of_weight_two_is_two_samples(digits):
    # On features as they are: the mean and the deviation are those of samples without weights.
    X, y = digits[0] / 16, digits[1]
    twice = np.arange(len(X)) % 3 == 0
    model = SoftmaxClassifier(solver="lbfgs", C=1.0, tol=1e-6, no_standardize=True)
    weighted = clone(model).fit(X, y, sample_weight=1 + twice)
    repeated = clone(model).fit(np.vstack([X, X[twice]]), np.hstack([y, y[twice]]))
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=0, atol=1e-3)


def test_c_is_a_penalty(digits):
    X, y = digits
    samples = len(X)
    fit = lambda y=y, **more: SoftmaxClassifier(solver="lbfgs", tol=1e-2, **more).fit(X, y).coef_.tobytes()
    assert fit(C=0.05) == fit(penalty=1 / (2 * 0.05 * samples))
    assert fit(C=1) == fit() == fit(C=np.float64(1))
    # Of two classes, LogisticRegression has one row of weights, whose penalty is twice that of two rows.
    assert fit(y > 4, C=0.05) == fit(y > 4, penalty=1 / (0.05 * samples))
    assert fit(C=np.inf, max_iter=1000) == fit(penalty=0.0)
    # Gradient descent has it too; with samples held out, N counts what is trained on.
    descents = (
        SoftmaxClassifier(epochs=2, **how).fit(X, y) for how in ({"C": 0.05}, {"penalty": 1 / (0.1 * samples)})
    )
    assert len({model.coef_.tobytes() for model in descents}) == 1
    early = dict(solver="lbfgs", tol=1e-2, early_stopping=True)
    trained = samples - int(np.ceil(0.1 * samples))
    one, other = (
        SoftmaxClassifier(**early, **how).fit(X, y) for how in ({"C": 0.05}, {"penalty": 1 / (0.1 * trained)})
    )
    assert one.coef_.tobytes() == other.coef_.tobytes()


@pytest.mark.parametrize("engine", ["simd", "fixed", "gemm"])
def test_the_weights_are_the_commands_bits(folder, images, tmp_path, engine):
    out = tmp_path / "run"
    command(
        *("train", "--data", folder, "--out", out, "--engine", engine, "--lambda", 0.01, "--no-report"),
        *("--optimizer", "lbfgs", "--iterations", 12, "--tol", 1e-3),
    )
    ours = SoftmaxClassifier(solver="lbfgs", engine=engine, penalty=0.01, max_iter=12, tol=1e-3)
    with pytest.warns(ConvergenceWarning, match="max_iter=12"):
        ours.fit(*images.train)
    theirs = _onelayer.Model.load(str(out / "model.safetensors"))
    for one, other in [
        (ours.coef_, theirs.weight),
        (ours.intercept_, theirs.bias),
        (ours.mean_, theirs.mean),
        (ours.scale_, theirs.std),
    ]:
        assert one.dtype == np.float32 and one.tobytes() == other.tobytes()
    assert ours.n_iter_ == 12 and (ours.coef_ != 0).any()


def test_nothing_but_samples_and_settings_changes_a_bit(digits):
    X, y = digits
    expected = clone(OURS).fit(X, y)
    for same in ({"n_jobs": 2}, {"random_state": 5}, {"evaluate_every": 3}):
        assert clone(OURS).set_params(**same).fit(X, y).coef_.tobytes() == expected.coef_.tobytes()
    watched = clone(OURS).fit(X, y, validation=(X[:100], y[:100]), callback=lambda record: False)
    assert watched.coef_.tobytes() == expected.coef_.tobytes()
    assert watched.history_["epoch"].tolist() == list(range(1, watched.n_iter_ + 1))
    assert expected.history_["epoch"].tolist() == [expected.n_iter_]
    # Bytes of the same pictures, which a model takes for 255ths.
    of_bytes = clone(OURS).fit(X.astype(np.uint8), y)
    np.testing.assert_allclose(of_bytes.coef_, expected.coef_, rtol=0, atol=1e-4)


def test_it_is_cloned_pickled_and_loaded(digits, tmp_path):
    X, y = digits
    model = clone(OURS).fit(X, y)
    assert clone(model).get_params() == OURS.get_params() == model.get_params()
    model.save(tmp_path / "model.safetensors")
    for again in (pickle.loads(pickle.dumps(model)), onelayer.load(tmp_path / "model.safetensors")):
        assert again.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()
        assert again.n_iter_ == model.n_iter_


def test_a_warm_start_from_the_optimum_is_at_the_optimum(digits):
    X, y = digits
    model = clone(OURS).set_params(tol=1e-4, warm_start=True).fit(X, y)
    first, iterations = model.coef_, model.n_iter_
    model.fit(X, y)
    assert iterations > 10 and model.n_iter_ <= 2
    np.testing.assert_allclose(model.coef_, first, rtol=0, atol=1e-3 * np.abs(first).max())
    # From there a larger penalty is near; and gradient descent is a start as good as any.
    assert model.set_params(C=0.009).fit(X, y).n_iter_ < iterations
    descent = SoftmaxClassifier(C=0.01, warm_start=True).fit(X, y)
    assert descent.eta_ > 0
    descent.set_params(solver="lbfgs", tol=1e-6).fit(X, y)
    assert not hasattr(descent, "eta_")
    np.testing.assert_allclose(descent.coef_, first, rtol=0, atol=1e-2 * np.abs(first).max())


def test_a_fit_that_ends_before_the_optimum_warns(digits):
    X, y = digits
    with pytest.warns(ConvergenceWarning, match="lbfgs did not converge in max_iter=3 iterations: .*, and tol is 1e-06"):
        model = clone(OURS).set_params(max_iter=3).fit(X, y)
    assert model.n_iter_ == 3 and not hasattr(model, "eta_")
    # A tolerance below what rounding allows: the fit ends on its own, and is as good as float32 can be.
    model = clone(OURS).set_params(tol=0.0).fit(X, y)
    assert model.n_iter_ < 1000
    # Neither does what somebody stopped.
    assert clone(OURS).fit(X, y, callback=lambda record: record["epoch"] == 2).n_iter_ == 2
    early = clone(OURS).set_params(C=100.0, early_stopping=True, n_iter_no_change=3, best=True).fit(X, y)
    assert early.n_iter_ == early.history_["validation_loss"].argmin() + 4
    # Rounding ends this one where the gradient is steep still.
    far = np.hstack([X, np.full((len(X), 1), 3e6) + X[:, :1]])
    with pytest.warns(ConvergenceWarning, match="rounding hides what is left to gain: the largest entry"):
        clone(OURS).set_params(no_standardize=True).fit(far, y)


def test_sigmoid_and_mirrored_pictures_have_optima_too(digits, images):
    model = clone(OURS).set_params(objective="sigmoid", C=1.0).fit(*digits)
    assert model.score(*digits) > 0.97
    X, y = images.train[0][:500], images.train[1][:500]
    weights = clone(OURS).set_params(mirror=True).fit(X, y).coef_.reshape(-1, 3, 32, 32)
    assert (weights == weights[..., ::-1]).all()


def test_what_lbfgs_has_no_use_for_is_told_in_one_line(digits):
    X, y = digits

    def message(error=ValueError, X=X, **arguments):
        with pytest.raises(error) as caught:
            SoftmaxClassifier(**arguments).fit(X, y)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    given = dict(
        eta=0.1, schedule="constant", momentum=0.0, batch_size=50, epochs=3, shuffle=False, init="normal", flip=True, shift=1
    )
    for name, value in given.items():
        found = message(solver="lbfgs", **{name: value})
        text = str(value).lower().removesuffix(".0")
        assert found == f"{name}: expected solver sgd, found {text} with solver lbfgs"
    assert message(tol=1e-3) == "tol: expected solver lbfgs, found 0.001 with solver sgd"
    assert message(max_iter=50) == "max_iter: expected solver lbfgs, found 50 with solver sgd"
    assert message(solver="newton-cg") == "solver: expected sgd or lbfgs, found newton-cg"
    assert message(solver="lbfgs", objective="hinge") == (
        "objective: expected softmax or sigmoid with solver lbfgs, which needs a smooth loss, found hinge"
    )
    assert message(C=1.0, penalty=0.1) == "C: expected None with penalty 0.1, found 1.0"
    for wrong in (0, -1.0, np.nan, "1"):
        assert message(C=wrong) == f"C: expected a number above 0, found {wrong}"
    assert message(solver="lbfgs", tol=-1.0).startswith("tol: expected a number from 0")
    assert message(solver="lbfgs", max_iter=0) == "max_iter: expected at least 1, found 0"
    huge = np.where(np.arange(64) == 3, np.float32(3e38), X)
    assert "diverged" in message(FloatingPointError, X=huge, solver="lbfgs", no_standardize=True, engine="gemm")


def test_portions_are_for_gradient_descent(digits):
    X, y = digits
    model = clone(OURS)
    assert not hasattr(model, "partial_fit")
    with pytest.raises(AttributeError, match="no attribute 'partial_fit'") as caught:
        model.partial_fit(X, y)
    assert "expected solver sgd, found lbfgs" in str(caught.value.__cause__)
    with pytest.raises(ValueError, match="C: expected None in partial_fit, found 0.1"):
        SoftmaxClassifier(C=0.1).partial_fit(X, y)


def test_progress_counts_iterations(digits, capsys):
    with pytest.warns(ConvergenceWarning):
        clone(OURS).set_params(verbose=True, max_iter=2).fit(*digits)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and lines[1].startswith("iteration 2/2   train loss ")


def test_a_sweep_tries_penalties_and_values_of_c(digits):
    X, y = digits
    train, held = (X[:1500], y[:1500]), (X[1500:], y[1500:])
    base = SoftmaxClassifier(solver="lbfgs")
    lists = {"C": [0.001, 0.03, 1.0]}, {"penalty": [0.3, 0.003, 1e-4], "tol": [1e-3, 1e-4]}
    for grid in lists:
        swept = onelayer.sweep(*train, base, grid=grid, validation=held)
        assert len(swept) == np.prod([len(values) for values in grid.values()])
        assert set(swept.table["status"]) == {"done"} and "penalty" not in (swept.table.keys() - grid.keys())
        for row in range(len(swept)):
            params = {name: swept.table[name][row].item() for name in grid}
            model = clone(base).set_params(**params).fit(*train, validation=held)
            assert model.history_["validation_loss"][-1] == swept.table["validation_loss"][row]
            assert model.n_iter_ == swept.table["epoch"][row]
        best = swept.best_estimator
        again = clone(base).set_params(**swept.best_params).fit(*train)
        assert again.coef_.tobytes() == best.coef_.tobytes() and again.n_iter_ == best.n_iter_
        assert best.get_params() == again.get_params() and not hasattr(best, "eta_")
    shards = [onelayer.sweep(*train, base, grid=lists[0], validation=held, shard=(i, 2)) for i in (1, 2)]
    whole = onelayer.sweep(*train, base, grid=lists[0], validation=held)
    merged = onelayer.merge_sweeps(shards)
    assert merged.best_params == whole.best_params and merged.table["C"].tolist() == whole.table["C"].tolist()
    onelayer.sweep(*train, base, grid=lists[0], validation=held, refit=True).best_estimator.predict(X)


def test_a_path_of_penalties_ends_at_the_same_optima(digits):
    train, held = (digits[0][:1500], digits[1][:1500]), (digits[0][1500:], digits[1][1500:])
    sweep = lambda **more: onelayer.sweep(
        *train, SoftmaxClassifier(solver="lbfgs", tol=1e-5), penalties="1e-4..1:6", validation=held, **more
    )
    alone, path = sweep(), sweep(path=True)
    by = lambda swept: dict(zip(swept.table["penalty"].tolist(), swept.table["validation_loss"].tolist(), strict=True))
    assert by(path).keys() == by(alone).keys()
    assert all(abs(by(path)[penalty] - loss) < 1e-3 for penalty, loss in by(alone).items())
    assert sum(path.table["epoch"]) < sum(alone.table["epoch"])
    with pytest.raises(ValueError, match="path: expected no shard"):
        sweep(path=True, shard=(1, 2))


def test_what_a_sweep_refuses(digits):
    sweep = lambda base={}, **more: onelayer.sweep(*digits, SoftmaxClassifier(solver="lbfgs", **base), **more)
    with pytest.raises(ValueError, match="C: expected one of C and penalty, found both"):
        sweep(grid={"C": [1]}, penalties=[0.1])
    with pytest.raises(ValueError, match="C: expected one of C and penalty, found both"):
        sweep({"C": 1.0}, penalties=[0.1])
    with pytest.raises(ValueError, match="C: expected at least one value, found none"):
        sweep(grid={"C": []})
    with pytest.raises(ValueError, match="C: expected a list of numbers, found 1..2:3"):
        sweep(grid={"C": "1..2:3"})
    with pytest.raises(ValueError, match="eta: expected solver sgd, found 0.1 with solver lbfgs"):
        sweep(etas=[0.1])
    with pytest.raises(ValueError, match="halving: expected none with solver lbfgs"):
        sweep(penalties=[0.1, 0.2, 0.3, 0.4], halving=2)


def test_a_grid_search_has_values_of_c(digits):
    grid = {"C": [1e-3, 0.1]}
    ours = GridSearchCV(SoftmaxClassifier(solver="lbfgs"), grid, cv=3).fit(*digits)
    assert ours.best_params_ == {"C": 0.1} and ours.best_score_ > 0.9
