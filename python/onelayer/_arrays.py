"""People's arrays as the library's: uint8 and float32 in C order are read in place, everything else is converted once."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from . import _onelayer

# X, the number of each sample's class, and its weight.
Labelled = tuple[NDArray[Any], NDArray[np.uint16], NDArray[np.float32] | None]

# The first of them is what other types become. f64 and wide integers are rounded to it.
_DTYPES = [np.float32, np.uint8]
# What pictures can be, by their number of features.
_SHAPES = {3072: (3, 32, 32), 784: (1, 28, 28)}


def samples(
    estimator: Any, X: ArrayLike, y: ArrayLike, *, reset: bool
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Features and labels, checked."""
    x, labels = validate_data(
        estimator, X, y, reset=reset, dtype=_DTYPES, order=_order(X), ensure_all_finite=False
    )
    check_classification_targets(labels)
    return _finite(x), labels


def features(estimator: Any, X: ArrayLike) -> NDArray[Any]:
    """Features alone, checked against those of `fit`."""
    x = validate_data(estimator, X, reset=False, dtype=_DTYPES, order=_order(X), ensure_all_finite=False)
    return _finite(x)


def _order(X: Any) -> str | None:
    """None where the rows of X can be read in place, though there may be gaps between them."""
    in_place = isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype in _DTYPES and X.size
    if in_place and X.strides[1] == X.itemsize and X.strides[0] >= X.shape[1] * X.itemsize:
        return None
    return "C"


def _finite(x: NDArray[Any]) -> NDArray[Any]:
    if x.strides[0] % x.itemsize or not x.flags.aligned:
        x = np.array(x, order="C")
    if (place := _onelayer.not_finite(x)) is not None:
        found = "NaN" if np.isnan(x[place]) else "infinity, or more than float32 holds,"
        raise ValueError(f"X: expected finite numbers, found {found} in row {place[0]}, column {place[1]}")
    return x


def of_unit(x: NDArray[Any], dtype: DTypeLike) -> NDArray[Any]:
    """x for a model of this type of features. To a model of bytes, 1 is 255."""
    if x.dtype == dtype:
        return x
    return x / np.float32(255) if dtype == np.uint8 else x.astype(np.float32)


def codes(labels: NDArray[Any], classes: NDArray[Any], name: str = "y") -> NDArray[np.uint16]:
    """The number of each label's class."""
    if not 2 <= len(classes) <= 65_536:
        raise ValueError(f"{name}: expected 2 to 65,536 classes, found {len(classes)} class(es)")
    places = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    if len(wrong := np.flatnonzero(classes[places] != labels)):
        row = wrong[0]
        raise ValueError(f"{name}: expected one of the classes, found {labels[row]} in row {row}")
    return places.astype(np.uint16)


def weights(sample_weight: ArrayLike | None, x: NDArray[Any]) -> NDArray[np.float32] | None:
    """The weight of each sample."""
    if sample_weight is None:
        return None
    checked = _check_sample_weight(sample_weight, x, dtype=np.float32, ensure_non_negative=True)
    return np.ascontiguousarray(checked)


def take(given: Labelled, places: NDArray[np.intp]) -> Labelled:
    """The samples at these places, copied."""
    x, y, weights = given
    return x[places], y[places], None if weights is None else weights[places]


def class_weights(given: Any, classes: NDArray[Any]) -> Any:
    """scikit-learn's `class_weight` as the library's."""
    if given is None or isinstance(given, str):
        return given
    known = set(classes.tolist())
    if unknown := [name for name in given if name not in known]:
        raise ValueError(f"class_weight: expected weights of the classes {sorted(known)}, found {unknown[0]!r}")
    return [float(given.get(name, 1.0)) for name in classes.tolist()]


def check_image_shape(shape: Any, x: NDArray[Any], used: object) -> None:
    """Whether the features are pictures that can be moved and mirrored."""
    if shape is None and not used:
        return
    expected = _SHAPES.get(x.shape[1])
    if shape is not None and tuple(shape) != expected:
        found = f"{tuple(shape)} for {x.shape[1]} features"
        raise ValueError(f"image_shape: expected (3, 32, 32) or (1, 28, 28), found {found}")


def notes(classes: NDArray[Any]) -> dict[str, str]:
    """What a model file says for Python."""
    return {"labels": classes.dtype.str}


def noted(model: _onelayer.Model) -> tuple[np.dtype[Any], NDArray[Any]]:
    """The types of the features, and the classes, that a model file has notes of."""
    names = np.array(model.classes)
    labels = np.dtype(model.metadata.get("labels", names.dtype.str))
    classes = names == "True" if labels.kind == "b" else names.astype(labels)
    return np.dtype(model.metadata.get("element", "uint8")), classes
