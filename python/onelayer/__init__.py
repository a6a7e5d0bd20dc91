"""Training a one-layer network on a CPU, fast: softmax regression on images and embeddings."""

from importlib.metadata import version as _version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._cifar import load_cifar
    from ._estimator import SoftmaxClassifier, load
    from ._gradient import GradientCheck, check_gradient
    from ._sweep import Swept, merge_sweeps, sweep

__version__ = _version("onelayer")

# Where each name comes from. scikit-learn is imported by what needs it alone.
_HOMES = {
    "SoftmaxClassifier": "_estimator",
    "load": "_estimator",
    "Swept": "_sweep",
    "merge_sweeps": "_sweep",
    "sweep": "_sweep",
    "GradientCheck": "_gradient",
    "check_gradient": "_gradient",
    "load_cifar": "_cifar",
}
__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
