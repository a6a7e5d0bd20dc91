"""Epochs on float32 features, on onelayer and NumPy (and PyTorch with --torch), in turns.

    benches/peers/run features [--torch] [--rounds N]

Features and labels are random; they are standardized and in memory before the clock starts. An epoch is mini-batch gradient
descent of softmax with a penalty; "evaluated" adds the loss and accuracy of all rows after it. The engine fixed trains on
features in 256 levels each. Medians of the rounds, seconds an epoch.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy as np

import job

# Rows, features, classes, batch.
SHAPES = [(20_000, 768, 10, 100), (20_000, 768, 100, 100), (20_000, 768, 1000, 1000), (5_000, 6400, 10, 100)]
EPOCHS, ETA, LAMBDA = 20, 0.001, 0.001


def numpy_epoch(x, y, weight, bias, batch, evaluated):
    def softmax(logits):
        logits -= logits.max(axis=1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=1, keepdims=True)
        return logits

    for first in range(0, len(y), batch):
        inputs, truth = x[first : first + batch], y[first : first + batch]
        p = softmax(inputs @ weight.T + bias)
        p[np.arange(len(truth)), truth] -= 1
        p /= len(truth)
        weight -= ETA * (p.T @ inputs + 2 * LAMBDA * weight)
        bias -= ETA * p.sum(axis=0)
    if evaluated:
        p = softmax(x @ weight.T + bias)
        return -np.log(p[np.arange(len(y)), y]).mean(), (p.argmax(axis=1) == y).mean()


def torch_epoch(torch, x, y, weight, bias, batch, evaluated):
    functional = torch.nn.functional
    for first in range(0, len(y), batch):
        loss = functional.cross_entropy(functional.linear(x[first : first + batch], weight, bias), y[first : first + batch])
        dweight, dbias = torch.autograd.grad(loss, [weight, bias])
        with torch.no_grad():
            weight.mul_(1 - 2 * ETA * LAMBDA).sub_(dweight, alpha=ETA)
            bias.sub_(dbias, alpha=ETA)
    if evaluated:
        with torch.no_grad():
            logits = functional.linear(x, weight, bias)
            return functional.cross_entropy(logits, y).item(), (logits.argmax(1) == y).float().mean().item()


def onelayer(folder, engine, batch):
    """Seconds of training and of evaluation, an epoch."""
    with tempfile.TemporaryDirectory() as out:
        command = [job.ONELAYER, "train", "--data", folder, "--engine", engine, "--batch", str(batch)]
        command += ["--eta", str(ETA), "--lambda", str(LAMBDA), "--epochs", str(EPOCHS), "--no-standardize"]
        command += ["--no-report", "--json", "--overwrite", "--out", f"{out}/run"]
        seconds = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["history"]
    return [statistics.median(epoch["seconds"][part] for epoch in seconds) for part in ("train", "evaluate")]


def timed(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def compare(rows, d, k, batch, rounds, torch):
    random = np.random.default_rng(0)
    y = np.concatenate([np.arange(k), random.integers(0, k, rows - k)]).astype(np.int64)
    x = random.normal(size=(rows, d)).astype(np.float32)
    weight, bias = (0.01 * random.normal(size=shape).astype(np.float32) for shape in [(k, d), k])
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for split, count in [("train", rows), ("validation", 10), ("test", 10)]:
            np.save(pathlib.Path(folder) / f"{split}_images.npy", x[:count])
            np.save(pathlib.Path(folder) / f"{split}_labels.npy", y[:count])
        if torch:
            tensors = [torch.from_numpy(array) for array in (x, y)]
            parameters = [torch.tensor(array, requires_grad=True) for array in (weight, bias)]
        for _ in range(rounds):
            for engine in ("simd", "fixed"):
                train, evaluate = onelayer(folder, engine, batch)
                found.setdefault(f"onelayer, {engine}", []).append((train, train + evaluate))
            epoch = lambda evaluated: numpy_epoch(x, y, weight, bias, batch, evaluated)
            found.setdefault("NumPy", []).append(tuple(timed(lambda: epoch(e)) for e in (False, True)))
            if torch:
                epoch = lambda evaluated: torch_epoch(torch, *tensors, *parameters, batch, evaluated)
                found.setdefault("PyTorch", []).append(tuple(timed(lambda: epoch(e)) for e in (False, True)))
    medians = {peer: [statistics.median(column) for column in zip(*times)] for peer, times in found.items()}
    ours = medians["onelayer, simd"]
    for peer, times in medians.items():
        ratios = [time / our for time, our in zip(times, ours)]
        cells = [f"{time:.4f} | {ratio:.2f}" for time, ratio in zip(times, ratios)]
        print(f"| {rows:,} x {d:,}, K {k:,}, B {batch:,} | {peer} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--torch", action="store_true")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch = __import__("torch") if options.torch else None
    print(f"NumPy {np.__version__}, {job.threads()} cores, medians of {options.rounds}, seconds an epoch\n")
    print("| rows, features | | training | times simd | evaluated | times simd |\n|:--|:--|--:|--:|--:|--:|")
    for shape in SHAPES:
        compare(*shape, options.rounds, torch)
