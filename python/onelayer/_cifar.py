"""CIFAR-10's binary files as arrays."""

import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_PIXELS = 3072
_RECORD = 1 + _PIXELS

Split = tuple[NDArray[np.uint8], NDArray[np.uint8]]


class Cifar(NamedTuple):
    """The splits of CIFAR-10, each a pair (X, y), and the names of the classes."""

    train: Split
    validation: Split
    test: Split
    classes: list[str]


def load_cifar(
    folder: str | os.PathLike[str],
    train: Sequence[str] = ("data_batch_1",),
    validation: Sequence[str] = ("data_batch_2",),
    test: Sequence[str] = ("test_batch",),
) -> Cifar:
    """The images of a folder of CIFAR-10's binary files, X [N, 3072] of uint8 and y [N].

    The default is the lab's split. A split of one file is a read-only view of the file, mapped into memory; one of several
    files is a copy.
    """
    with open(os.path.join(folder, "batches.meta.txt"), encoding="utf-8") as file:
        classes = file.read().split()

    def split(names: Sequence[str]) -> Split:
        parts = [_records(os.path.join(folder, f"{name}.bin"), len(classes)) for name in names]
        if not parts:
            return np.empty((0, _PIXELS), np.uint8), np.empty(0, np.uint8)
        records: NDArray[Any] = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return records[:, 1:], records[:, 0]

    return Cifar(split(train), split(validation), split(test), classes)


def _records(path: str, classes: int) -> NDArray[np.uint8]:
    size = os.path.getsize(path)
    if size == 0 or size % _RECORD:
        raise ValueError(f"{path}: expected records of {_RECORD} bytes, found {size} bytes")
    records = np.memmap(path, np.uint8, "r", shape=(size // _RECORD, _RECORD)).view(np.ndarray)
    if len(wrong := np.flatnonzero(records[:, 0] >= classes)):
        row = wrong[0]
        raise ValueError(f"{path}: expected labels below {classes}, found {records[row, 0]} in record {row}")
    return records
