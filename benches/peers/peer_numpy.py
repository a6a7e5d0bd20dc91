"""NumPy: matrix products on its BLAS, everything else in place."""

import numpy as np

from job import BATCH, EPOCHS, ETA


def version():
    return np.__version__


def prepare(data, initial):
    """A function that does the whole job, and returns the history: [(training, validation)] of (loss, accuracy)."""
    (x_train, y_train), validation, _ = data

    def evaluate(weight, bias, x, y):
        logits = x @ weight.T
        logits += bias
        logits -= logits.max(axis=1, keepdims=True)
        picked = logits[np.arange(len(y)), y]
        correct = logits.argmax(axis=1) == y
        np.exp(logits, out=logits)
        return float((np.log(logits.sum(axis=1)) - picked).mean(dtype=np.float64)), float(correct.mean())

    def run():
        weight, bias = initial[0].copy(), initial[1].copy()
        rows = np.arange(BATCH)
        history = []
        for _ in range(EPOCHS):
            for first in range(0, len(y_train), BATCH):
                x, y = x_train[first : first + BATCH], y_train[first : first + BATCH]
                p = x @ weight.T
                p += bias
                p -= p.max(axis=1, keepdims=True)
                np.exp(p, out=p)
                p /= p.sum(axis=1, keepdims=True)
                p[rows[: len(y)], y] -= 1
                p *= np.float32(ETA / len(y))
                weight -= p.T @ x
                bias -= p.sum(axis=0)
            history.append((evaluate(weight, bias, x_train, y_train), evaluate(weight, bias, *validation)))
        return history

    return run
