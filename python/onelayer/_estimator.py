"""`SoftmaxClassifier`, scikit-learn's kind of estimator."""

import os
import warnings
from collections.abc import Callable
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from . import _arrays, _onelayer
from ._progress import Progress
from ._threads import threads

Callback = Callable[[dict[str, Any]], object]

# The arguments that are settings of the library as they are; `_settings` says what the others become.
_SETTINGS = frozenset(_onelayer.arguments())
# Of a fit that says "auto": the steps that it takes at least, and its epochs at most and at least.
_STEPS, _MOST_EPOCHS, _LEAST_EPOCHS = 2000, 200, 10
# Where rounding ends a fit: no entry of the gradient that is larger goes without a warning, whatever `tol` is.
_STEEP = 1e-4


def _has_probabilities(self: "SoftmaxClassifier") -> bool:
    model = getattr(self, "_model", None)
    return (model.objective if model is not None else self.objective) != "hinge"


def _has_steps(self: "SoftmaxClassifier") -> bool:
    if self.solver == "lbfgs":
        raise AttributeError("partial_fit: expected solver sgd, found lbfgs, which needs all samples at once")
    return True


class SoftmaxClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A one-layer network, trained by mini-batch gradient descent, or to the optimum by L-BFGS.

    Features are standardized with the mean and the standard deviation of the training samples. Arrays of uint8 and
    float32 in C order are read in place; others are converted once, to float32.

    Parameters
    ----------
    objective : "softmax", "hinge" or "sigmoid"
        What training minimizes, beside the penalty: the cross-entropy, the multi-class hinge loss, or the mean of K
        binary cross-entropies.
    solver : "sgd" or "lbfgs"
        Mini-batch gradient descent, or L-BFGS on all samples at once, which finds the optimum without a learning rate. With
        "lbfgs", weights begin with zeros, hinge is refused, and so are eta, schedule, momentum, batch_size, epochs, shuffle,
        init, flip and shift, where they are not left at their defaults; with "sgd", so are max_iter and tol.
    penalty : float or "auto"
        The weight lambda of the penalty lambda ||W||^2, which leaves the bias out. "auto" is 1/(2N), of N samples: C=1, of
        two classes C=2. In `partial_fit` it is 0.
    C : float or None
        The penalty as scikit-learn's LogisticRegression has it: 1/(2CN), of two classes 1/(CN), as there LogisticRegression
        has one row of weights. N counts samples, whatever their weights are: as there. `penalty` must then be "auto".
    eta : float or "auto"
        The learning rate. "auto" measures how large it can be for these samples.
    schedule : str
        How it changes: constant, linear, cosine, step:EPOCHS:FACTOR, inverse:EPOCHS or cyclic:LOW:EPOCHS.
    momentum : float
        Nesterov's momentum.
    batch_size : int or "auto"
        The samples of a batch. "auto" is 100, and no more than there are.
    epochs : int or "auto"
        Passes over the samples. "auto" is as many as 2,000 batches take, at least 10 and at most 200.
    max_iter : int
        The most iterations of L-BFGS. A fit that they end warns with ConvergenceWarning.
    tol : float
        L-BFGS ends where no entry of the gradient is larger. It also ends where float32's rounding hides what is left to
        gain; then it warns if an entry is larger than both `tol` and 1e-4.
    shuffle : bool
        Visit the samples in a new random order in each epoch.
    no_standardize : bool
        Train on the features as they are.
    clip : float
        With engine "fixed", which rounds float32 features to 256 levels each: the share of the values beyond the levels at
        each end.
    class_weight : None, "balanced" or dict of class: weight
        What the loss of a sample of each class is multiplied by.
    label_smoothing : float
        Softmax aims at (1 - A) onehot + A/K.
    init : "normal", "xavier" or "zero"
        The initial weights.
    image_shape : None or (channels, height, width)
        What the features are, for `mirror`, `flip` and `shift`: bytes of pictures, channel by channel.
    mirror : bool
        Hold the weights mirror-symmetric: what training with all flips leads to.
    flip : bool
        Mirror each picture of an epoch with probability 1/2.
    shift : int
        Move each picture of an epoch by up to so many pixels.
    early_stopping : bool
        Stop after `n_iter_no_change` evaluations without a smaller validation loss. Without `validation` in `fit`,
        `validation_fraction` of the samples are held out for it, of each class as much.
    n_iter_no_change, validation_fraction
        See `early_stopping`.
    best : bool
        Keep the model with the smallest validation loss, instead of the last one.
    evaluate_every : int or None
        Evaluate after so many epochs or iterations, for `history_`. None is 1 where there are validation samples, a callback or
        `verbose`; without these, samples are evaluated once, at the end.
    warm_start : bool
        Begin the next `fit` with the model of this one.
    random_state : int, RandomState or None
        The seed of initial weights, orders, flips and shifts, and of `validation_fraction`. The same seed is the same bits.
        L-BFGS itself draws nothing.
    n_jobs : int or None
        The threads. None is OMP_NUM_THREADS, or every core. No number of threads changes a bit.
    engine : "auto", "simd", "fixed", "gemm" or "reference"
        What computes.
    verbose : bool
        Show each evaluation.

    Attributes
    ----------
    classes_ : the classes [K]
    coef_ : the weights [K, D] of the standardized features
    intercept_ : the bias [K]
    mean_, scale_ : the mean and the standard deviation [D] of the training samples
    n_features_in_, feature_names_in_ : what `fit` saw
    n_iter_ : the epochs that were trained, or the iterations
    eta_ : the learning rate; L-BFGS has none, and leaves no such attribute
    history_ : dict of arrays, one entry an evaluation: epoch (or iteration), and loss, cost and accuracy of training and
        validation
    """

    def __init__(
        self,
        *,
        objective: str = "softmax",
        solver: str = "sgd",
        penalty: float | str = "auto",
        C: float | None = None,
        eta: float | str = "auto",
        schedule: str = "linear",
        momentum: float = 0.9,
        batch_size: int | str = "auto",
        epochs: int | str = "auto",
        max_iter: int = 1000,
        tol: float = 1e-4,
        shuffle: bool = True,
        no_standardize: bool = False,
        clip: float = 0.0,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        init: str = "zero",
        image_shape: tuple[int, int, int] | None = None,
        mirror: bool = False,
        flip: bool = False,
        shift: int = 0,
        early_stopping: bool = False,
        n_iter_no_change: int = 5,
        validation_fraction: float = 0.1,
        best: bool = False,
        evaluate_every: int | None = None,
        warm_start: bool = False,
        random_state: Any = 0,
        n_jobs: int | None = None,
        engine: str = "auto",
        verbose: bool = False,
    ) -> None:
        self.objective = objective
        self.solver = solver
        self.penalty = penalty
        self.C = C
        self.eta = eta
        self.schedule = schedule
        self.momentum = momentum
        self.batch_size = batch_size
        self.epochs = epochs
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.no_standardize = no_standardize
        self.clip = clip
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
        self.init = init
        self.image_shape = image_shape
        self.mirror = mirror
        self.flip = flip
        self.shift = shift
        self.early_stopping = early_stopping
        self.n_iter_no_change = n_iter_no_change
        self.validation_fraction = validation_fraction
        self.best = best
        self.evaluate_every = evaluate_every
        self.warm_start = warm_start
        self.random_state = random_state
        self.n_jobs = n_jobs
        self.engine = engine
        self.verbose = verbose

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
        callback: Callback | None = None,
    ) -> Self:
        """Trains on the samples X [N, D] of the classes y [N].

        `validation` is a pair (X, y) that each epoch, or iteration, is evaluated on. `callback` is called with a dict after
        each evaluation; training ends where it returns what is true.
        """
        start = getattr(self, "_model", None) if self.warm_start else None
        x, labels = _arrays.samples(self, X, y, reset=start is None)
        if start is None:
            self.classes_ = np.unique(labels)
        given = (x, _arrays.codes(labels, self.classes_), _arrays.weights(sample_weight, x))
        held: _arrays.Labelled | None = None
        if validation is not None:
            xs, ys = _arrays.samples(self, *validation, reset=False)
            held = (_arrays.of_unit(xs, x.dtype), _arrays.codes(ys, self.classes_, "validation"), None)
        elif self.early_stopping or self.best:
            given, held = self._held_out(given)
        return self._train(given, held, callback, None if start is None else (start, False))

    @available_if(_has_steps)
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Trains one epoch on these samples, from where it is. The first call must see all `classes`, or be told them; the
        mean and the deviation of its samples remain those that features are standardized by. With `eta="auto"`, so does the
        learning rate. With solver "lbfgs" there is no such method."""
        if self.C is not None:
            raise ValueError(f"C: expected None in partial_fit, found {self.C}: give penalty, which needs no number of samples")
        start = getattr(self, "_model", None)
        x, labels = _arrays.samples(self, X, y, reset=start is None)
        if start is None:
            self.classes_ = np.unique(labels if classes is None else np.asarray(classes))
        elif classes is not None and not np.array_equal(np.unique(classes), self.classes_):
            raise ValueError(f"classes: expected those of the first call, {self.classes_}, found {classes}")
        if start is not None:
            x = _arrays.of_unit(x, self._dtype)
        given = (x, _arrays.codes(labels, self.classes_), _arrays.weights(sample_weight, x))
        settings: dict[str, Any] = {"epochs": 1, "schedule": "constant", "n_iter_no_change": 0, "best": False}
        if self.penalty == "auto":
            settings["penalty"] = 0.0
        if self.eta == "auto" and start is not None:
            settings["eta"] = self.eta_
        iterations = getattr(self, "n_iter_", 0)
        self._train(given, None, None, None if start is None else (start, True), settings)
        self.n_iter_ += iterations
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:
        """The scores [N, K]; of two classes, by how much that of the second is larger [N]."""
        logits = self._model_of(X).astype(np.float64)
        if logits.shape[1] != 2:
            return logits
        return np.asarray(logits[:, 1] - logits[:, 0])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The class of each sample."""
        logits = self._model_of(X)
        return self.classes_[np.argmax(logits, axis=1)]

    @available_if(_has_probabilities)
    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """The probability [N, K] of each class, for each sample; a row sums to 1."""
        x = self._seen(X)
        return self._model.probabilities(x, threads(self.n_jobs))

    @available_if(_has_probabilities)
    def predict_log_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """The logarithms of `predict_proba`."""
        return np.log(self.predict_proba(X))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes a `model.safetensors`, which `onelayer.load` and the command read."""
        check_is_fitted(self)
        self._model.save(os.fspath(path))

    def to_onnx(self, path: str | os.PathLike[str]) -> None:
        """Writes the model as an ONNX graph, for any program that runs such.

        Its input is `features` [N, D] of float32, as `fit` had them (bytes from 0 to 255); its outputs are `class` [N], the
        place of the likeliest one in `classes_`, and `probabilities` [N, K], or the `scores` of hinge.
        """
        check_is_fitted(self)
        self._model.to_onnx(os.fspath(path))

    def _model_of(self, X: ArrayLike) -> NDArray[np.float32]:
        x = self._seen(X)
        return self._model.logits(x, threads(self.n_jobs))

    def _seen(self, X: ArrayLike) -> NDArray[Any]:
        """X as the model has it."""
        check_is_fitted(self)
        return _arrays.of_unit(_arrays.features(self, X), self._dtype)

    def _held_out(self, given: _arrays.Labelled) -> tuple[_arrays.Labelled, _arrays.Labelled]:
        """What is trained on, and what validates."""
        places = np.arange(len(given[0]))
        seed = check_random_state(self.random_state).randint(2**31)
        parts = train_test_split(
            places, test_size=self.validation_fraction, stratify=given[1], random_state=seed
        )
        return tuple(_arrays.take(given, np.sort(part)) for part in parts)  # type: ignore[return-value]

    def _settings(self, given: _arrays.Labelled, watched: bool) -> dict[str, Any]:
        """The arguments of the library."""
        samples = len(given[0])
        used = _onelayer.used(self.solver)
        # The library refuses what its solver has no use for, and need not be told of defaults.
        settings = {
            name: value
            for name, value in vars(self).items()
            if name in _SETTINGS and (name in used or value != _DEFAULTS[name])
        }
        if self.C is not None:
            if self.penalty != "auto":
                raise ValueError(f"C: expected None with penalty {self.penalty}, found {self.C}")
            settings["penalty"] = self._penalty(self.C, samples)
        elif self.penalty == "auto":
            settings["penalty"] = 0.5 / samples
        if self.solver == "lbfgs":
            settings.pop("random_state", None)
        else:
            settings |= self._steps(samples)
        if not self.early_stopping:
            settings["n_iter_no_change"] = 0
        if self.evaluate_every is None:
            settings["evaluate_every"] = 1 if watched else settings[self._length]
        settings["class_weight"] = _arrays.class_weights(self.class_weight, self.classes_)
        _arrays.check_image_shape(self.image_shape, given[0], self.mirror or self.flip or self.shift)
        return settings

    def _steps(self, samples: int) -> dict[str, Any]:
        """The arguments of gradient descent that follow from others."""
        settings: dict[str, Any] = {}
        batch = 100 if self.batch_size == "auto" else self.batch_size
        settings["batch_size"] = batch = min(int(batch), samples)
        if self.epochs == "auto":
            epochs = _STEPS // max(1, -(-samples // max(1, batch)))
            settings["epochs"] = min(max(epochs, _LEAST_EPOCHS), _MOST_EPOCHS)
        if not isinstance(self.random_state, int):
            settings["random_state"] = check_random_state(self.random_state).randint(2**31)
        return settings

    def _penalty(self, C: Any, samples: int) -> float:
        """The penalty that scikit-learn's C means."""
        if not (isinstance(C, int | float | np.number) and C > 0):
            raise ValueError(f"C: expected a number above 0, found {C}")
        # Of two classes, scikit-learn has the one row w, and the optimum here has the rows -w/2 and w/2.
        return (1.0 if len(self.classes_) == 2 else 0.5) / (float(C) * samples)

    @property
    def _length(self) -> str:
        """The argument that says how long it trains."""
        return "max_iter" if self.solver == "lbfgs" else "epochs"

    def _train(
        self,
        given: _arrays.Labelled,
        held: _arrays.Labelled | None,
        callback: Callback | None,
        start: tuple[_onelayer.Model, bool] | None,
        settings: dict[str, Any] | None = None,
    ) -> Self:
        watched = callback is not None or self.verbose or held is not None
        arguments = self._settings(given, watched) | (settings or {})
        progress = None
        if self.verbose:
            what = "iteration" if self.solver == "lbfgs" else "epoch"
            callback = progress = Progress(what, arguments[self._length], callback)
        self._dtype = given[0].dtype
        self._model, history, info = _onelayer.train(
            given,
            [str(name) for name in self.classes_],
            arguments,
            validation=held,
            start=start,
            threads=threads(self.n_jobs),
            engine=self.engine,
            callback=callback,
            notes=_arrays.notes(self.classes_),
        )
        if progress is not None:
            progress.end()
        self.n_iter_ = info["epochs"]
        self._tell_rate(info["eta"])
        self.history_ = {
            name: column for name, column in history.items() if held or not name.startswith("validation")
        }
        self._tell()
        if message := self._warning(info):
            warnings.warn(message, ConvergenceWarning, stacklevel=3)
        return self

    def _warning(self, info: dict[str, Any]) -> str | None:
        """What there is to warn of after a fit."""
        if info["diverged"] and self.solver == "lbfgs":
            return "training diverged; the last finite model is kept"
        if info["diverged"]:
            return f"training diverged with eta {self.eta_}: try a smaller one; the last finite model is kept"
        reached = f"the largest entry of the gradient is {info['gradient'] or 0:.1e}, and tol is {self.tol}"
        if info["ended"] == "iterations":
            return f"lbfgs did not converge in max_iter={self.max_iter} iterations: {reached}"
        if info["ended"] == "rounding" and info["gradient"] > max(self.tol, _STEEP):
            return f"lbfgs did not converge, as rounding hides what is left to gain: {reached}"
        return None

    def _tell_rate(self, eta: float | None) -> None:
        """The learning rate as an attribute, where there is one."""
        if eta is not None:
            self.eta_ = eta
        elif hasattr(self, "eta_"):
            del self.eta_

    def _tell(self) -> None:
        """The model as attributes."""
        model = self._model
        self.coef_, self.intercept_ = model.weight, model.bias
        self.mean_, self.scale_ = model.mean, model.std
        self.n_features_in_ = len(self.mean_)


_DEFAULTS = SoftmaxClassifier().get_params()


def load(path: str | os.PathLike[str]) -> SoftmaxClassifier:
    """The classifier of a `model.safetensors` that `SoftmaxClassifier.save` or the command wrote."""
    model = _onelayer.Model.load(os.fspath(path))
    classifier = SoftmaxClassifier(objective=model.objective)
    classifier._model = model
    classifier._dtype, classifier.classes_ = _arrays.noted(model)
    classifier.n_iter_ = int(model.metadata.get("epoch", 0))
    classifier._tell()
    return classifier
