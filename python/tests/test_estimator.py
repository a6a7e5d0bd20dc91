"""What SoftmaxClassifier promises beyond scikit-learn's own checks."""

import pickle

import numpy as np
import onnxruntime
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import onelayer
from onelayer import SoftmaxClassifier


def test_the_attributes_explain_the_scores(digits):
    X, y = digits
    model = SoftmaxClassifier().fit(X, y)
    scores = ((X - model.mean_) / model.scale_) @ model.coef_.T + model.intercept_
    np.testing.assert_allclose(model.decision_function(X), scores, rtol=1e-4, atol=1e-4)
    exponentials = np.exp(scores - scores.max(1, keepdims=True))
    p = model.predict_proba(X)
    np.testing.assert_allclose(p, exponentials / exponentials.sum(1, keepdims=True), rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(p.sum(1), 1, rtol=0, atol=1e-15)
    assert p.dtype == np.float64 and model.score(X, y) > 0.98


def test_no_number_of_threads_changes_a_bit(images):
    one, two = (SoftmaxClassifier(epochs=1, n_jobs=n).fit(*images.train) for n in (1, 2))
    assert one.coef_.tobytes() == two.coef_.tobytes()
    X = images.test[0]
    assert one.predict_proba(X).tobytes() == two.predict_proba(X).tobytes()


def test_types_of_features_mean_the_same(images):
    X, y = images.train[0][:1000], images.train[1][:1000]
    of_bytes = SoftmaxClassifier(epochs=3, eta=0.001).fit(X, y)
    for dtype in (np.uint16, np.int64, np.float16, np.float32, np.float64):
        other = SoftmaxClassifier(epochs=3, eta=0.001).fit(X.astype(dtype), y)
        np.testing.assert_allclose(other.coef_, of_bytes.coef_, rtol=0, atol=2e-5)
        expected = of_bytes.decision_function(X)
        # A model of bytes is given other types, and one of other types bytes.
        np.testing.assert_allclose(of_bytes.decision_function(X.astype(dtype)), expected, atol=1e-4)
        np.testing.assert_allclose(other.decision_function(X), expected, atol=5e-4)


def test_memory_of_any_order_is_read_as_numpy_does(images, digits, tmp_path):
    X, y = digits
    expected = SoftmaxClassifier(epochs=2).fit(X, y).coef_.tobytes()
    np.save(tmp_path / "x.npy", X)
    gaps = np.full((len(X), 100), np.nan, np.float32)
    gaps[:, 7:71] = X
    unaligned = np.frombuffer(b"_" + X.tobytes(), np.uint8)[1:].view(np.float32).reshape(X.shape)
    backwards = np.ascontiguousarray(X[::-1, ::-1])[::-1, ::-1]
    twice = np.repeat(X, 2, axis=0)[::2]
    for same in [
        np.asfortranarray(X),
        np.load(tmp_path / "x.npy", mmap_mode="r"),
        gaps[:, 7:71],
        unaligned,
        backwards,
        twice,
        X.astype(">f4"),
    ]:
        assert SoftmaxClassifier(epochs=2).fit(same, y).coef_.tobytes() == expected
    assert not images.train[0].flags.writeable and not images.train[0].flags.c_contiguous


def test_the_history_has_an_entry_for_each_evaluation(digits):
    X, y = digits
    model = SoftmaxClassifier(epochs=6, evaluate_every=2).fit(X, y, validation=(X[:100], y[:100]))
    assert model.history_["epoch"].tolist() == [2, 4, 6]
    assert model.history_["validation_accuracy"][-1] == model.score(X[:100], y[:100])
    alone = SoftmaxClassifier(epochs=6).fit(X, y)
    assert alone.history_["epoch"].tolist() == [6] and "validation_loss" not in alone.history_
    assert alone.coef_.tobytes() == model.coef_.tobytes(), "evaluation changes nothing"


def test_a_callback_sees_each_epoch_and_stops(digits):
    X, y = digits
    seen = []

    def callback(record):
        seen.append(record)
        return record["epoch"] == 3

    model = SoftmaxClassifier(epochs=10).fit(X, y, callback=callback)
    assert [record["epoch"] for record in seen] == [1, 2, 3] and model.n_iter_ == 3
    assert seen[-1]["train_loss"] == model.history_["train_loss"][-1]
    # It ends where an epoch does, so the bits do not depend on the moment.
    again = SoftmaxClassifier(epochs=10).fit(X, y, callback=lambda record: record["epoch"] == 3)
    assert again.coef_.tobytes() == model.coef_.tobytes()

    def raises(record):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        SoftmaxClassifier(epochs=10).fit(X, y, callback=raises)


def test_early_stopping_holds_samples_out(digits):
    X, y = digits
    model = SoftmaxClassifier(
        epochs=200, eta=0.5, schedule="constant", early_stopping=True, n_iter_no_change=2, best=True
    ).fit(X, y)
    losses = model.history_["validation_loss"]
    assert model.n_iter_ < 200 and losses.argmin() == len(losses) - 3
    again = clone(model).fit(X, y)
    assert again.coef_.tobytes() == model.coef_.tobytes()


def test_samples_that_come_in_portions_are_learned(digits):
    X, y = digits
    model = SoftmaxClassifier()
    for _ in range(10):
        for first in range(0, len(X), 300):
            portion = slice(first, first + 300)
            model.partial_fit(X[portion], y[portion], classes=range(10))
    assert model.score(X, y) > 0.95 and model.n_iter_ == 60
    mean = model.mean_
    model.partial_fit(X[:10], y[:10])
    assert (model.mean_ == mean).all()
    with pytest.raises(ValueError, match="classes: expected those of the first call"):
        model.partial_fit(X, y, classes=[1, 2])
    with pytest.raises(ValueError, match="y: expected one of the classes, found 10 in row 0"):
        model.partial_fit(X[:1], [10])


def test_warm_start_goes_on(digits):
    X, y = digits
    model = SoftmaxClassifier(epochs=1, warm_start=True, eta=0.01, schedule="constant").fit(X, y)
    first = model.history_["train_loss"][-1]
    assert model.fit(X, y).history_["train_loss"][-1] < first


def test_class_weights_are_scikit_learns(digits):
    X, y = digits[0], np.where(digits[1] == 0, "zero", "other")
    weights = np.where(y == "zero", 3.0, 1.0)
    by_class = SoftmaxClassifier(epochs=3, class_weight={"zero": 3}).fit(X, y)
    by_sample = SoftmaxClassifier(epochs=3).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(by_class.coef_, by_sample.coef_, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="class_weight: .* found 'nought'"):
        SoftmaxClassifier(class_weight={"nought": 3}).fit(X, y)


def test_pickles_and_files_hold_the_model_and_no_samples(digits, tmp_path):
    X, y = digits
    for labels in (y, y.astype(str), y.astype(float), y == 3):
        model = SoftmaxClassifier(epochs=2).fit(X, labels)
        pickled = pickle.dumps(model)
        assert len(pickled) < 30_000 < X.nbytes
        model.save(tmp_path / "model.safetensors")
        for again in (pickle.loads(pickled), onelayer.load(tmp_path / "model.safetensors")):
            assert again.classes_.dtype == model.classes_.dtype
            assert (again.predict(X) == model.predict(X)).all()
            assert again.predict_proba(X).tobytes() == model.predict_proba(X).tobytes()


@pytest.mark.parametrize("objective", ["softmax", "sigmoid", "hinge"])
def test_an_onnx_runtime_says_the_same(images, digits, tmp_path, objective):
    path = tmp_path / "model.onnx"
    for X, y in (digits, (images.train[0][:2000], images.train[1][:2000])):
        model = SoftmaxClassifier(epochs=2, objective=objective).fit(X, y)
        model.to_onnx(path)
        session = onnxruntime.InferenceSession(path)
        assert [out.name for out in session.get_outputs()][0] == "class"
        places, found = session.run(None, {"features": X.astype(np.float32)})
        assert np.mean(model.classes_[places] == model.predict(X)) > 0.999
        expected = model.decision_function(X) if objective == "hinge" else model.predict_proba(X)
        np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)


def test_features_can_be_taken_as_they_are(digits):
    X, y = digits
    model = SoftmaxClassifier(no_standardize=True).fit(X, y)
    assert (model.mean_ == 0).all() and (model.scale_ == 1).all() and model.score(X, y) > 0.95


def test_engine_fixed_rounds_floats_to_levels(digits):
    X, y = digits
    exact, rounded = (SoftmaxClassifier(engine=engine).fit(X, y) for engine in ("simd", "fixed"))
    assert abs(exact.score(X, y) - rounded.score(X, y)) < 0.005
    clipped = SoftmaxClassifier(engine="fixed", clip=0.05).fit(X, y)
    assert (clipped.coef_ != rounded.coef_).any()
    with pytest.raises(ValueError, match="clip: expected 0, or engine fixed"):
        SoftmaxClassifier(clip=0.05).fit(X, y)


def test_what_is_wrong_is_told_in_one_line(digits):
    X, y = digits
    broken = X.copy()
    broken[7, 3] = np.nan

    def message(error=ValueError, X=X, y=y, fit={}, **arguments):
        with pytest.raises(error) as caught:
            SoftmaxClassifier(**arguments).fit(X, y, **fit)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    assert message(X=broken) == "X: expected finite numbers, found NaN in row 7, column 3"
    assert "in row 0, column 2" in message(X=np.where(np.arange(64) == 2, 1e39, X))
    assert message(penalty=-1).startswith("penalty: expected a number from 0")
    assert message(eta="fast") == "eta: expected a number, found fast"
    assert message(momentum=1).startswith("momentum: expected a number from 0 to below 1, found 1")
    assert message(batch_size=0).startswith("batch_size: expected 1 to")
    assert message(schedule="slow").startswith("schedule: expected")
    assert message(objective="ridge").startswith("objective: expected")
    assert message(engine="steam").startswith("engine: expected one of auto, simd")
    assert message(n_jobs=0).startswith("n_jobs: expected")
    assert message(mirror=True).startswith("mirror: expected pictures")
    assert message(image_shape=(1, 8, 8)).startswith("image_shape: expected (3, 32, 32)")
    assert message(y=np.zeros(len(X))).startswith("y: expected 2 to 65,536 classes, found 1 class")
    assert "10" in message(fit={"validation": (X[:1], [10])})
    assert "diverged" in message(FloatingPointError, eta=1e38, epochs=1)


def test_sparse_features_are_refused_by_name(digits):
    from scipy.sparse import csr_matrix

    with pytest.raises(TypeError, match="[Ss]parse"):
        SoftmaxClassifier().fit(csr_matrix(digits[0]), digits[1])


def test_a_run_that_diverges_warns_and_keeps_what_is_finite(digits):
    X, y = digits
    with pytest.warns(ConvergenceWarning, match="diverged with eta"):
        model = SoftmaxClassifier(eta=4.0, epochs=10, schedule="constant", momentum=0.0, penalty=0.5).fit(
            X, y, validation=(X, y)
        )
    assert np.isfinite(model.coef_).all()


@pytest.mark.parametrize("objective", ["softmax", "sigmoid", "hinge"])
def test_every_objective_learns(digits, objective):
    X, y = digits
    model = SoftmaxClassifier(objective=objective).fit(X, y)
    assert model.score(X, y) > 0.97
    assert hasattr(model, "predict_proba") == (objective != "hinge")


def test_pictures_are_mirrored_flipped_and_moved(images):
    X, y = images.train[0][:2000], images.train[1][:2000]
    model = SoftmaxClassifier(epochs=2, image_shape=(3, 32, 32), mirror=True).fit(X, y)
    weights = model.coef_.reshape(-1, 3, 32, 32)
    assert (weights == weights[..., ::-1]).all()
    plain, moved = (
        SoftmaxClassifier(epochs=2, flip=change, shift=2 * change).fit(X, y) for change in (False, True)
    )
    assert (plain.coef_ != moved.coef_).any()


def test_progress_is_shown(digits, capsys):
    SoftmaxClassifier(epochs=2, verbose=True).fit(*digits, validation=digits)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and lines[1].startswith("epoch 2/2   train loss 0.")
