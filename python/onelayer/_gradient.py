"""`check_gradient`: a gradient against central differences, for anybody's functions of NumPy arrays."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import _onelayer

Array = NDArray[Any]
# An array, or several of them: W and b.
Parameters = Array | Sequence[Array]

# Entries that every step is tried on, and the steps: 1e-1 to 1e-12, in half decades.
_SWEPT = 200
_STEPS = 10.0 ** (-np.arange(2, 25) / 2)
# The share of the error that a mistake may leave unexplained.
_NEARLY = 1e-3


@dataclasses.dataclass
class GradientCheck:
    """What `check_gradient` found; printed, a report in words."""

    passed: bool
    #: Of each criterion: name, threshold, entries checked and failed, the largest error, and where it is.
    criteria: list[dict[str, Any]]
    #: The entries that are furthest off: where they are, the analytic and the numerical value, and their difference.
    worst: list[dict[str, Any]]
    #: The largest error of some entries by step: arrays `step`, `forward` and `central`.
    steps: dict[str, NDArray[np.float64]]
    #: What to do.
    advice: str
    checked: int

    def __str__(self) -> str:
        lines = [f"{'PASSED' if self.passed else 'FAILED'}: {self.checked:,} entries"]
        for it in self.criteria:
            verdict = "passed" if it["failed"] == 0 else f"{it['failed']:,} of {it['checked']:,} failed"
            lines.append(f"  {it['name']}: largest {it['error']:.1e}, threshold {it['threshold']:.0e}: {verdict}")
        if not self.passed:
            lines.append("the entries that are furthest off:")
            lines += [f"  {it['entry']}: {it['analytic']!r} against {it['numerical']!r}" for it in self.worst]
        return "\n".join([*lines, self.advice])


def check_gradient(
    cost: Callable[[Any], Any],
    gradient: Callable[[Any], Any] | Parameters,
    parameters: Parameters,
    *,
    step: float = 3e-5,
    eps: float = 1e-3,
    threshold: float = 1e-6,
    most: int | None = None,
    random_state: int = 0,
) -> GradientCheck:
    """Checks `gradient` against central differences of `cost` at `parameters`.

    `parameters` are an array or a list of arrays, such as [W, b]; `cost` and `gradient` are called with what is given
    here, and `gradient` returns the same shapes (it may also be its value). Each entry is moved by `step` up and down;
    of more than `most` entries, so many are drawn. The criteria: the absolute error |a - n| and the relative error
    |a - n| / max(eps, |a| + |n|) are at most `threshold`, and of entries with |a| + |n| below eps the absolute error is at
    most `threshold` * eps.
    """
    if not (np.isfinite(step) and step > 0):
        raise ValueError(f"step: expected a finite number above 0, found {step}")
    point = _Point(parameters)
    of_point = gradient(point.given()) if callable(gradient) else gradient
    analytic = point.flat("gradient", of_point)
    places = np.arange(point.size)
    random = np.random.default_rng(random_state)
    if most is not None and most < point.size:
        places = np.sort(random.choice(places, most, replace=False))
    analytic = analytic[places]
    numerical = np.array([point.central(cost, int(place), step) for place in places])
    criteria = _onelayer.compare_gradients(analytic, numerical, eps, threshold)
    for criterion in criteria:
        if criterion["worst"] is not None:
            criterion["worst"] = point.entry(places[criterion["worst"]])
    passed = all(criterion["failed"] == 0 for criterion in criteria)
    off = np.abs(analytic - numerical)
    furthest = np.argsort(-np.nan_to_num(off, nan=np.inf), kind="stable")[:5]
    worst = [
        {
            "entry": point.entry(places[index]),
            "analytic": float(analytic[index]),
            "numerical": float(numerical[index]),
            "error": float(off[index]),
        }
        for index in furthest
    ]
    some = random.permutation(len(places))[:_SWEPT]
    steps = _sweep(cost, point, places[some], analytic[some])
    values = point.values[places]
    advice = _advice(passed, steps, step, threshold, point.single, analytic, numerical, values)
    return GradientCheck(passed, criteria, worst, steps, advice, len(places))


class _Point:
    """Parameters, as one flat array of f64 and as they were given."""

    def __init__(self, parameters: Parameters) -> None:
        self.alone = isinstance(parameters, np.ndarray)
        arrays = [parameters] if self.alone else list(parameters)
        self.arrays: list[Array] = [np.array(array, order="C") for array in arrays]
        for array in self.arrays:
            if array.dtype not in (np.float32, np.float64):
                raise TypeError(f"parameters: expected arrays of float64 or float32, found {array.dtype}")
        self.single = any(array.dtype == np.float32 for array in self.arrays)
        self.starts = np.cumsum([0, *(array.size for array in self.arrays)])
        self.size = int(self.starts[-1])
        if self.size == 0:
            raise ValueError("parameters: expected at least one, found none")
        self.values = np.concatenate([array.ravel() for array in self.arrays]).astype(np.float64)

    def given(self) -> Any:
        return self.arrays[0] if self.alone else list(self.arrays)

    def flat(self, name: str, values: Any) -> NDArray[np.float64]:
        arrays = [np.asarray(values)] if self.alone else [np.asarray(value) for value in values]
        shapes, found = [array.shape for array in self.arrays], [array.shape for array in arrays]
        if shapes != found:
            raise ValueError(f"{name}: expected the shapes of the parameters, {shapes}, found {found}")
        return np.concatenate([array.ravel() for array in arrays]).astype(np.float64)

    def _place(self, index: int) -> tuple[int, int]:
        array = int(np.searchsorted(self.starts, index, side="right")) - 1
        return array, int(index - self.starts[array])

    def entry(self, index: int) -> tuple[int, ...]:
        """Where an entry is: its array, where there are several, and its indices."""
        array, place = self._place(index)
        within = tuple(int(i) for i in np.unravel_index(place, self.arrays[array].shape))
        return within if self.alone else (array, *within)

    def differences(self, cost: Callable[[Any], Any], index: int, step: float) -> tuple[float, float, float, float]:
        """The costs above and below, and how far the two points are from the one between, as they are rounded."""
        array, place = self._place(index)
        flat = self.arrays[array].reshape(-1)
        value = flat[place]
        flat[place] = value + flat.dtype.type(step)
        up, above = float(flat[place]) - float(value), float(cost(self.given()))
        flat[place] = value - flat.dtype.type(step)
        down, below = float(value) - float(flat[place]), float(cost(self.given()))
        flat[place] = value
        return above, below, up, down

    def central(self, cost: Callable[[Any], Any], index: int, step: float) -> float:
        above, below, up, down = self.differences(cost, index, step)
        return (above - below) / (up + down) if up + down else float("nan")


def _sweep(
    cost: Callable[[Any], Any], point: _Point, places: NDArray[Any], analytic: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """The largest errors of forward and central differences, by step."""
    here = float(cost(point.given()))
    forward, central = np.zeros(len(_STEPS)), np.zeros(len(_STEPS))
    for row, step in enumerate(_STEPS):
        for place, expected in zip(places, analytic, strict=True):
            above, below, up, down = point.differences(cost, int(place), step)
            if up and down:
                forward[row] = max(forward[row], abs((above - here) / up - expected))
                central[row] = max(central[row], abs((above - below) / (up + down) - expected))
            else:
                # The step is lost in the rounding of the parameter.
                forward[row] = central[row] = np.inf
    return {"step": _STEPS.copy(), "forward": forward, "central": central}


def _advice(
    passed: bool,
    steps: dict[str, NDArray[np.float64]],
    step: float,
    threshold: float,
    single: bool,
    analytic: NDArray[np.float64],
    numerical: NDArray[np.float64],
    values: NDArray[np.float64],
) -> str:
    central = np.nan_to_num(steps["central"], nan=np.inf)
    best = int(central.argmin())
    at_best = f"h = {steps['step'][best]:.0e} has the smallest error, {central[best]:.1e}"
    if passed:
        return f"The gradient is right. Of the steps from 1e-1 to 1e-12, {at_best}."
    if central[best] <= threshold:
        return (
            f"The step is to blame, not the gradient: {at_best}, which passes. With a larger h a difference misses the "
            f"curvature, with a smaller one the rounding of the cost is divided by it. Try step={steps['step'][best]:.0e}."
        )
    if wrong := _mistake(analytic, numerical, values):
        return wrong
    if single:
        return (
            f"The parameters are float32, whose rounding no step outwits: {at_best}. Pass them, and compute the cost, in "
            "float64; or hold the entries to what float32 can tell, with a larger threshold."
        )
    return f"The gradient is wrong, or the cost has a kink here: no step makes the error small; {at_best}, above {threshold:.0e}."


def _mistake(
    analytic: NDArray[np.float64], numerical: NDArray[np.float64], values: NDArray[np.float64]
) -> str | None:
    """A mistake that people make, where it explains nearly all of the error."""
    size = float(np.linalg.norm(analytic - numerical))

    def explained(by: NDArray[np.float64], of: NDArray[np.float64]) -> tuple[float, float]:
        factor = float(by @ of / (by @ by)) if by.any() else 0.0
        return factor, float(np.linalg.norm(of - factor * by)) / size if size else 0.0

    factor, rest = explained(numerical, analytic)
    if np.isfinite(rest) and rest < _NEARLY:
        return f"The gradient is {factor:.6g} times what it should be: check its sign, and factors such as 2 and 1/N."
    factor, rest = explained(values, analytic - numerical)
    if np.isfinite(rest) and rest < _NEARLY:
        return (
            f"The gradient is off by {factor:.6g} times the parameters: check the penalty, whose gradient is 2 lambda W, "
            "and whether the bias is part of it."
        )
    return None
