"""The job that every peer does, and the data for it: the lab report's second run.

One softmax layer on CIFAR-10, W [K, D] and b [K]: batches of 100 in the order of the files, eta 0.001, no penalty,
40 epochs, and the loss and accuracy of the whole training and validation split after each. Images are standardized,
float32 and in memory before the clock starts; the initial weights are the same for all.
"""

import os
import pathlib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
ONELAYER = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release" / "onelayer"
DATA = os.environ.get("ONELAYER_DATA", "data/cifar-10-batches-bin")
ETA, BATCH, EPOCHS = 0.001, 100, 40
CLASSES, FEATURES, SEED = 10, 3072, 0


def load(folder):
    """(x, y) of training, validation and test split: x [N, D] float32 standardized, y [N] int64."""
    splits = []
    for name in ("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"):
        records = np.fromfile(pathlib.Path(folder) / name, np.uint8).reshape(-1, 1 + FEATURES)
        splits.append((records[:, 1:].astype(np.float64) / 255, records[:, 0].astype(np.int64)))
    mean, std = splits[0][0].mean(axis=0), splits[0][0].std(axis=0)
    std[std == 0] = 1
    return [(((x - mean) / std).astype(np.float32), y) for x, y in splits]


def initial():
    """W [K, D] and b [K], float32, from N(0, 0.01^2)."""
    random = np.random.default_rng(SEED)
    weight = random.normal(0, 0.01, (CLASSES, FEATURES)).astype(np.float32)
    return weight, random.normal(0, 0.01, CLASSES).astype(np.float32)


def threads():
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
