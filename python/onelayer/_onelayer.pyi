"""The native half of onelayer. Nothing here is public."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Model",
    "advance",
    "arguments",
    "average",
    "compare_gradients",
    "learning_rate",
    "main",
    "model_at",
    "not_finite",
    "sweep",
    "train",
    "used",
]

_Features = NDArray[np.uint8] | NDArray[np.float32]
_Labelled = tuple[_Features, NDArray[np.uint16], NDArray[np.float32] | None]
_Measured = tuple[NDArray[np.float32], NDArray[np.float32]] | None

@final
class Model:
    """A trained model: the contents of a `model.safetensors`."""

    @staticmethod
    def load(path: str) -> Model: ...
    def save(self, path: str) -> None: ...
    def to_onnx(self, path: str) -> None: ...
    @staticmethod
    def from_bytes(bytes: bytes) -> Model: ...
    def to_bytes(self) -> bytes: ...
    @property
    def weight(self) -> NDArray[np.float32]: ...
    @property
    def bias(self) -> NDArray[np.float32]: ...
    @property
    def mean(self) -> NDArray[np.float32]: ...
    @property
    def std(self) -> NDArray[np.float32]: ...
    @property
    def classes(self) -> list[str]: ...
    @property
    def metadata(self) -> dict[str, str]: ...
    @property
    def objective(self) -> str: ...
    def noting(self, metadata: Mapping[str, str]) -> Model: ...
    def evaluate(self, samples: _Labelled, threads: int) -> tuple[float, float]: ...
    def logits(self, x: _Features, threads: int) -> NDArray[np.float32]: ...
    def probabilities(self, x: _Features, threads: int) -> NDArray[np.float64]: ...

def train(
    train: _Labelled,
    classes: Sequence[str],
    arguments: dict[str, Any],
    *,
    validation: _Labelled | None = None,
    start: tuple[Model, bool] | None = None,
    threads: int = 1,
    engine: str = "auto",
    callback: Callable[[dict[str, Any]], object] | None = None,
    notes: Mapping[str, str] | None = None,
) -> tuple[Model, dict[str, NDArray[Any]], dict[str, Any]]: ...
def arguments() -> list[str]: ...
def used(solver: str) -> list[str]: ...
def not_finite(array: _Features) -> tuple[int, int] | None: ...
def main(words: Sequence[str]) -> int: ...
def sweep(
    train: _Labelled,
    validation: _Labelled,
    classes: Sequence[str],
    arguments: dict[str, Any],
    lists: Mapping[str, str],
    *,
    random: int | None = None,
    halving: int | None = None,
    path: bool = False,
    shard: tuple[int, int] | None = None,
    refit: bool = False,
    threads: int = 1,
    engine: str = "auto",
    notes: Mapping[str, str] | None = None,
) -> tuple[dict[str, list[Any]], tuple[Model, dict[str, NDArray[Any]]] | None]: ...
def compare_gradients(
    analytic: NDArray[np.float64], numerical: NDArray[np.float64], epsilon: float, threshold: float
) -> list[dict[str, Any]]: ...
def learning_rate(
    train: _Labelled, classes: Sequence[str], arguments: dict[str, Any], measured: _Measured
) -> float: ...
def advance(
    train: _Labelled,
    classes: Sequence[str],
    arguments: dict[str, Any],
    measured: _Measured,
    checkpoint: bytes | None,
    until: int,
    *,
    threads: int = 1,
    engine: str = "auto",
) -> bytes: ...
def average(parts: Sequence[tuple[bytes, float]]) -> bytes: ...
def model_at(
    train: _Labelled,
    classes: Sequence[str],
    arguments: dict[str, Any],
    measured: _Measured,
    checkpoint: bytes,
    *,
    engine: str = "auto",
    notes: Mapping[str, str] | None = None,
) -> Model: ...
