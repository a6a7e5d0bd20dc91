"""`sweep`: many settings at once, each thread with runs of its own."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import clone

from . import _arrays, _onelayer
from ._estimator import SoftmaxClassifier
from ._threads import threads

# Numbers for the logarithm's points, or a list in the command's words: "1e-4..1e-1:8".
Values = Sequence[Any] | str


@dataclasses.dataclass
class Swept:
    """What a sweep found.

    `table` has one row a run, the best first: its id, the settings in which runs differ, its status (done, stopped early,
    dropped by halving, diverged), the epochs that it was trained, and what it reaches on the validation samples. It is a dict
    of arrays, as pandas.DataFrame takes it. `best_params` are the settings of the best run, and `best_estimator` is it.
    """

    table: dict[str, NDArray[Any]]
    best_params: dict[str, Any]
    best_estimator: SoftmaxClassifier | None

    def __len__(self) -> int:
        return len(self.table["id"])


def sweep(
    X: ArrayLike,
    y: ArrayLike,
    estimator: SoftmaxClassifier | None = None,
    *,
    etas: Values | None = None,
    penalties: Values | None = None,
    grid: Mapping[str, Values] | None = None,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    sample_weight: ArrayLike | None = None,
    random: int | None = None,
    halving: int | None = None,
    path: bool = False,
    shard: tuple[int, int] | None = None,
    refit: bool = False,
) -> Swept:
    """Trains every combination of the values of `etas`, `penalties` and of each argument in `grid`.

    `grid={"C": [...]}` are penalties as scikit-learn has them, for the samples that runs are trained on; `refit` keeps the
    penalty. With solver "lbfgs", runs share their passes over the samples; with `path` they are trained one after the other
    instead, from the strongest penalty to the weakest, each from where the one before it ended, which is faster.

    All other settings are those of `estimator`. A list may be a text in the command's words: "1e-4..1e-1:8" is eight
    points evenly in their logarithms. With `random` that many points are drawn instead, also from "1e-4..1e-1". With
    `halving` only one run in so many goes on, three times. Without `validation`, `estimator.validation_fraction` of the
    samples are held out for it. `shard` (i, n) trains part i, from 1, of n: `merge_sweeps` makes one result of all. With
    `refit` the best run is trained again on all samples, those of the validation too.

    The bits of a run are those of `fit` with its settings, whatever stands beside it, but with `path`.
    """
    estimator = SoftmaxClassifier() if estimator is None else estimator
    best = clone(estimator)
    x, labels = _arrays.samples(best, X, y, reset=True)
    best.classes_ = np.unique(labels)
    given = (x, _arrays.codes(labels, best.classes_), _arrays.weights(sample_weight, x))
    if validation is None:
        given, held = best._held_out(given)
    else:
        xs, ys = _arrays.samples(best, *validation, reset=False)
        held = (_arrays.of_unit(xs, x.dtype), _arrays.codes(ys, best.classes_, "validation"), None)
    named = {"eta": etas, "penalty": penalties} | dict(grid or {})
    lists = {name: values for name, values in named.items() if values is not None}
    c_of = _c_of(best, lists, len(given[0]))
    texts = {name: _text(name, values) for name, values in lists.items()}
    if c_of:
        del texts["C"]
        texts["penalty"] = _text("penalty", [*c_of])
    columns, winner = _onelayer.sweep(
        given,
        held,
        [str(name) for name in best.classes_],
        best._settings(given, watched=True),
        texts,
        random=random,
        halving=halving,
        path=path,
        shard=shard,
        refit=refit,
        threads=threads(best.n_jobs),
        engine=best.engine,
        notes=_arrays.notes(best.classes_),
    )
    table = {name: _column(columns[name]) for name in columns if name in _FACTS or name in texts}
    if c_of:
        table = {"C" if name == "penalty" else name: column for name, column in table.items()}
        table["C"] = np.array([c_of[penalty] for penalty in table["C"].tolist()])
    params = {name: table[name][0].item() for name in lists} if len(table["id"]) else {}
    if winner is None:
        return Swept(table, params, None)
    best.set_params(**params)
    best._model, history = winner
    best._dtype, best.history_ = x.dtype, history
    best.n_iter_ = int(best._model.metadata["epoch"])
    best._tell_rate(float(best._model.metadata["eta"]) if best.solver == "sgd" else None)
    best._tell()
    return Swept(table, params, best)


# The columns that are no settings.
_FACTS = ("id", "status", "epoch", "validation_loss", "validation_accuracy")
# What the best run is best by, the last of them first.
_RANKS = {"done": 0, "stopped": 0, "dropped": 1, "diverged": 2}


def merge_sweeps(parts: Iterable[Swept]) -> Swept:
    """The result of all shards of a sweep: the one that a sweep without shards has, `refit` apart."""
    kept = [part for part in parts if len(part)]
    if not kept:
        raise ValueError("parts: expected at least one sweep with a run, found none")
    names = kept[0].table
    if odd := [part for part in kept if part.table.keys() != names.keys()]:
        raise ValueError(f"parts: expected columns {[*names]}, found {[*odd[0].table]}")
    table = {name: np.concatenate([part.table[name] for part in kept]) for name in names}
    if len(np.unique(table["id"])) < len(table["id"]):
        raise ValueError("parts: expected each shard once, found a run twice")
    rank = np.array([_RANKS[status] for status in table["status"]])
    later = np.where(rank == 0, 0, -table["epoch"])
    loss = np.nan_to_num(table["validation_loss"], nan=np.inf)
    accuracy = np.nan_to_num(table["validation_accuracy"], nan=-1.0)
    order = np.lexsort((table["id"], loss, -accuracy, later, rank))
    first = next(part for part in kept if part.table["id"][0] == table["id"][order[0]])
    return Swept({name: table[name][order] for name in names}, first.best_params, first.best_estimator)


def _c_of(estimator: SoftmaxClassifier, lists: Mapping[str, Values], samples: int) -> dict[float, Any]:
    """The values of C, by the penalties that they mean; none where C is not varied."""
    if ("C" in lists or estimator.C is not None) and ("penalty" in lists or estimator.penalty != "auto"):
        raise ValueError("C: expected one of C and penalty, found both")
    if isinstance(values := lists.get("C"), str):
        raise ValueError(f"C: expected a list of numbers, found {values}; numpy.geomspace makes one")
    return {} if values is None else {estimator._penalty(C, samples): C for C in np.ravel(values).tolist()}


def _text(name: str, values: Values) -> str:
    texts = [values] if isinstance(values, str) else [_word(value) for value in np.ravel(values).tolist()]
    if not texts:
        raise ValueError(f"{name}: expected at least one value, found none")
    return ",".join(texts)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _column(values: list[Any]) -> NDArray[Any]:
    """Texts of settings as what they say."""
    if all(value in ("true", "false") for value in values):
        return np.array([value == "true" for value in values])
    for read in (int, float):
        try:
            return np.array([read(value) if isinstance(value, str) else value for value in values])
        except ValueError:
            pass
    return np.array(values)
