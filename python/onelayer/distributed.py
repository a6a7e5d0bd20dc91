"""Training on data that no machine holds: Dask workers train on their parts, and their parameters are averaged.

Each round, every worker trains some epochs on its part from the same parameters and velocities; then their means, weighted
by samples, are what all go on from (Zinkevich, Weimer, Smola and Li 2010). The result is a function of the data, the
settings and the parts alone. One part has the bits of a local `fit`.
"""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from . import _arrays, _onelayer
from ._estimator import SoftmaxClassifier
from ._threads import threads

Measured = tuple[NDArray[np.float32], NDArray[np.float32]] | None


@dataclasses.dataclass
class _Facts:
    """What is known of a part."""

    samples: int
    dtype: np.dtype[Any]
    labels: NDArray[Any]
    # Of each feature: its sum and the sum of its squares, of bytes; its mean and the sum of squares around it, of floats.
    first: NDArray[Any]
    second: NDArray[Any]


def fit(
    X: Any,
    y: Any,
    estimator: SoftmaxClassifier | None = None,
    *,
    rounds: int | None = None,
    client: Any = None,
) -> SoftmaxClassifier:
    """Trains on the Dask arrays X [N, D], in chunks of rows, and y [N], in the same chunks.

    `rounds` is how often parameters are averaged; without it, after every epoch. A part needs room for itself on the worker
    that has it. What a lost worker had is made again elsewhere, from the arrays; a round that it was in is done again.
    """
    from dask.delayed import delayed
    from distributed import get_client

    client = get_client() if client is None else client
    estimator = clone(SoftmaxClassifier() if estimator is None else estimator)
    _check(estimator, X, y)
    blocks = zip(X.to_delayed().ravel(), y.to_delayed().ravel(), strict=True)
    parts = client.compute([delayed(_part)(x, labels) for x, labels in blocks])

    def each(work: Callable[..., Any], *words: Any) -> list[Any]:
        return list(client.gather([client.submit(work, part, *words, pure=False) for part in parts]))

    facts = each(_facts)
    estimator.classes_ = np.unique(np.concatenate([part.labels for part in facts]))
    # Raises where there are too few.
    _arrays.codes(estimator.classes_, estimator.classes_)
    measured = None if estimator.no_standardize else _measured(facts)
    job = _job(estimator, facts, measured)
    if estimator.eta == "auto":
        job.arguments["eta"] = min(each(_rate, job))
    epochs = int(job.arguments["epochs"])
    rounds = epochs if rounds is None else rounds
    if not 1 <= rounds <= epochs:
        raise ValueError(f"rounds: expected 1 to {epochs}, the epochs, found {rounds}")
    state = None
    for number in range(1, rounds + 1):
        # What the client holds is all that a round begins with: no chain of rounds is lost with a worker.
        states = each(_advance, job, state, epochs * number // rounds)
        state = _onelayer.average([(s, part.samples) for s, part in zip(states, facts, strict=True)])
    model = client.submit(_model, parts[0], job, state, pure=False).result()
    found = each(_evaluate, model, estimator.classes_)
    weights = [part.samples for part in facts]
    loss, accuracy = np.average(found, axis=0, weights=weights)
    _adopt(estimator, model, job)
    penalty = float(job.arguments["penalty"]) * float((estimator.coef_.astype(np.float64) ** 2).sum())
    history = {"train_loss": loss, "train_cost": loss + penalty, "train_accuracy": accuracy}
    estimator.history_ = {"epoch": np.array([epochs])} | {name: np.array([it]) for name, it in history.items()}
    return estimator


@dataclasses.dataclass
class _Job:
    """What every part is trained with."""

    classes: NDArray[Any]
    arguments: dict[str, Any]
    measured: Measured
    n_jobs: int | None
    engine: str


def _check(estimator: SoftmaxClassifier, X: Any, y: Any) -> None:
    if X.ndim != 2 or X.numblocks[1] != 1:
        raise ValueError(f"X: expected two dimensions, in chunks of whole rows, found chunks {X.chunks}")
    if y.chunks[0] != X.chunks[0]:
        raise ValueError(f"y: expected the chunks of X, {X.chunks[0]}, found {y.chunks[0]}")
    if estimator.solver != "sgd":
        raise ValueError(f"solver: expected sgd where parts are trained on, found {estimator.solver}")
    for name in ("mirror", "early_stopping", "best", "warm_start"):
        if getattr(estimator, name):
            raise ValueError(f"{name}: expected False where parts are trained on, found True")
    if estimator.class_weight == "balanced":
        raise ValueError("class_weight: expected None or a dict where parts are trained on, found balanced")


def _job(estimator: SoftmaxClassifier, facts: list[_Facts], measured: Measured) -> _Job:
    """The settings: those of a fit on all samples, with batches that the smallest part has."""
    samples = sum(part.samples for part in facts)
    stand_in = (np.broadcast_to(facts[0].dtype.type(0), (samples, len(facts[0].first))), None, None)
    arguments = estimator._settings(stand_in, watched=False)  # type: ignore[arg-type]
    arguments["batch_size"] = min(arguments["batch_size"], *(part.samples for part in facts), samples)
    return _Job(estimator.classes_, arguments, measured, estimator.n_jobs, estimator.engine)


def _part(X: Any, y: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """A part, checked: runs where it is."""
    checker = SoftmaxClassifier()
    return _arrays.samples(checker, X, y, reset=True)


def _facts(part: tuple[NDArray[Any], NDArray[Any]]) -> _Facts:
    x, labels = part
    if x.dtype == np.uint8:
        first = x.sum(0, dtype=np.int64)
        second = np.einsum("nd,nd->d", x, x, dtype=np.int64, casting="unsafe")
    else:
        first = x.mean(0, dtype=np.float64)
        second = sum(((rows - first) ** 2).sum(0) for rows in np.array_split(x, -(-len(x) // 256)))
    return _Facts(len(x), x.dtype, np.unique(labels), first, np.asarray(second))


def _measured(facts: list[_Facts]) -> Measured:
    """The mean and the deviation of all parts' samples; of one part, None: it measures them itself."""
    if odd := [part for part in facts if part.dtype != facts[0].dtype]:
        raise ValueError(f"X: expected parts of {facts[0].dtype}, found one of {odd[0].dtype}")
    if len(facts) == 1:
        return None
    count = sum(part.samples for part in facts)
    moments = [(part.first, part.second) for part in facts]
    if facts[0].dtype == np.uint8:
        # Whole numbers: exact, whatever the parts are.
        sums, squares = (np.sum(them, axis=0, dtype=object) for them in zip(*moments, strict=True))
        mean = np.array([s / (255 * count) for s in sums])
        std = np.array([float(count * q - s * s) ** 0.5 / (255 * count) for s, q in zip(sums, squares, strict=True)])
    else:
        mean = np.average([part.first for part in facts], axis=0, weights=[part.samples for part in facts])
        around = sum(part.second + part.samples * (part.first - mean) ** 2 for part in facts)
        std = np.sqrt(around / count)
        std[std <= 1e-12 * np.abs(mean)] = 0
    std[std < np.finfo(np.float32).tiny] = 1
    return mean.astype(np.float32), std.astype(np.float32)


def _given(part: tuple[NDArray[Any], NDArray[Any]], classes: NDArray[Any]) -> _arrays.Labelled:
    x, labels = part
    # What came from another worker lies wherever the message had it.
    return np.require(x, requirements="A"), _arrays.codes(labels, classes), None


def _names(classes: NDArray[Any]) -> list[str]:
    return [str(name) for name in classes]


def _rate(part: Any, job: _Job) -> float:
    given = _given(part, job.classes)
    return _onelayer.learning_rate(given, _names(job.classes), dict(job.arguments), job.measured)


def _advance(part: Any, job: _Job, state: bytes | None, until: int) -> bytes:
    given = _given(part, job.classes)
    return _onelayer.advance(
        given,
        _names(job.classes),
        job.arguments,
        job.measured,
        state,
        until,
        threads=threads(job.n_jobs),
        engine=job.engine,
    )


def _model(part: Any, job: _Job, state: bytes) -> _onelayer.Model:
    given = _given(part, job.classes)
    notes = _arrays.notes(job.classes)
    return _onelayer.model_at(
        given, _names(job.classes), job.arguments, job.measured, state, engine=job.engine, notes=notes
    )


def _evaluate(part: Any, model: _onelayer.Model, classes: NDArray[Any]) -> tuple[float, float]:
    return model.evaluate(_given(part, classes), threads(None))


def _adopt(estimator: SoftmaxClassifier, model: _onelayer.Model, job: _Job) -> None:
    estimator._model = model
    estimator._dtype, _ = _arrays.noted(model)
    estimator.n_iter_, estimator.eta_ = int(job.arguments["epochs"]), float(job.arguments["eta"])
    estimator._tell()
