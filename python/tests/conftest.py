"""What tests share: CIFAR's images where they are, built-in ones where not."""

import signal
import os
import subprocess
import sys

# Before SciPy is imported: without it scikit-learn skips a check.
os.environ["SCIPY_ARRAY_API"] = "1"

import numpy as np
import pytest
from sklearn.datasets import load_digits

import onelayer

# A shell that runs this in the background has Ctrl-C ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)


def command(*words):
    """The command, as `python -m onelayer` runs it."""
    words = [sys.executable, "-m", "onelayer", *map(str, words)]
    return subprocess.run(words, capture_output=True, text=True, check=True)


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A folder of CIFAR-10's binary files."""
    if found := os.environ.get("ONELAYER_DATA"):
        return found
    made = tmp_path_factory.mktemp("data") / "images"
    command("synth", "--out", made)
    return str(made)


@pytest.fixture(scope="session")
def images(folder):
    """Its splits, as views of the files."""
    return onelayer.load_cifar(folder)


@pytest.fixture(scope="session")
def digits():
    """X of float32, and y."""
    X, y = load_digits(return_X_y=True)
    return X.astype(np.float32), y
