"""Time to accuracy: from CIFAR-10's files on disk to a saved model as good as the lab report's second run, in turns.

    benches/peers/run accuracy [--data DIR] [--rounds N]

As good is a test accuracy of at least 0.3886 - 0.002 and a test loss of at most 1.767 + 0.008. All train on the 10,000 images
of data_batch_1. onelayer and NumPy begin with zeros and take three epochs of batches of 100, with Nesterov's momentum 0.9 and a
rate that falls from 0.003 to 0; onelayer also takes two with mirror-symmetric weights. The times are those of whole processes,
which evaluate the test images as well. scikit-learn's L-BFGS, with the fewest iterations that are enough, is timed in its fit
alone, on standardized float32 images in memory.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np

import job

ACCURACY, LOSS = 0.3886 - 0.002, 1.767 + 0.008
ETA, MOMENTUM, EPOCHS = 0.003, 0.9, 3
OURS = {
    "onelayer": ["--epochs", str(EPOCHS), "--eta", str(ETA)],
    "onelayer, mirror": ["--epochs", "2", "--eta", "0.004", "--mirror"],
}


def softmax(logits):
    logits = np.exp(logits - logits.max(axis=1, keepdims=True))
    return logits / logits.sum(axis=1, keepdims=True)


def reached(x, y, weight, bias):
    """Accuracy and loss."""
    p = softmax((x @ weight.T + bias).astype(np.float64))
    return float((p.argmax(axis=1) == y).mean()), float(-np.log(p[np.arange(len(y)), y]).mean())


def numpy_process(folder, out):
    """What the process of NumPy does."""

    def load(name):
        records = np.fromfile(pathlib.Path(folder) / name, np.uint8).reshape(-1, 1 + job.FEATURES)
        return records[:, 1:].astype(np.float32), records[:, 0].astype(np.int64)

    (x, y), (x_test, y_test) = load("data_batch_1.bin"), load("test_batch.bin")
    mean, std = x.mean(axis=0), x.std(axis=0)
    x, x_test = (x - mean) / std, (x_test - mean) / std
    weight, bias = np.zeros((job.CLASSES, job.FEATURES), np.float32), np.zeros(job.CLASSES, np.float32)
    moves = [np.zeros_like(weight), np.zeros_like(bias)]
    steps = EPOCHS * len(y) // job.BATCH
    for step in range(steps):
        first = step * job.BATCH % len(y)
        inputs, truth = x[first : first + job.BATCH], y[first : first + job.BATCH]
        p = softmax(inputs @ weight.T + bias)
        p[np.arange(len(truth)), truth] -= 1
        p /= len(truth)
        rate = ETA * (1 - step / steps)
        for values, move, gradient in zip((weight, bias), moves, (p.T @ inputs, p.sum(axis=0)), strict=True):
            move *= MOMENTUM
            move += gradient
            values -= rate * (gradient + MOMENTUM * move)
    np.savez(out, weight=weight, bias=bias, mean=mean, std=std)
    print(json.dumps(reached(x_test, y_test, weight, bias)))


def onelayer(folder, out, options):
    command = [job.ONELAYER, "train", "--data", folder, *options, "--momentum", str(MOMENTUM)]
    command += ["--schedule", "linear", "--init", "zero"]
    command += ["--evaluate-every", "100", "--no-report", "--json", "--overwrite", "--out", f"{out}/run"]
    test = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["test"]
    return test["accuracy"], test["loss"]


def numpy(folder, out):
    command = [sys.executable, __file__, "--data", folder, "--numpy", f"{out}/model.npz"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def scikit_learn(folder):
    """The fewest iterations that are enough, and a function that fits with these and returns the seconds."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    warnings.simplefilter("ignore", ConvergenceWarning)
    (x, y), _, (x_test, y_test) = job.load(folder)

    def fit(iterations):
        start = time.perf_counter()
        fitted = LogisticRegression(C=1e-3, max_iter=iterations, tol=1e-12).fit(x, y)
        return time.perf_counter() - start, fitted

    for iterations in range(5, 100):
        fitted = fit(iterations)[1]
        if is_enough(reached(x_test, y_test, fitted.coef_, fitted.intercept_)):
            return iterations, lambda: fit(iterations)[0]
    raise SystemExit("scikit-learn does not reach it")


def is_enough(found):
    accuracy, loss = found
    return accuracy >= ACCURACY and loss <= LOSS


def main(folder, rounds):
    iterations, fit = scikit_learn(folder)
    times, found = {}, {}
    with tempfile.TemporaryDirectory() as out:
        processes = {name: lambda options=options: onelayer(folder, out, options) for name, options in OURS.items()}
        processes["NumPy"] = lambda: numpy(folder, out)
        for _ in range(rounds):
            for name, process in processes.items():
                # Until the threads of scikit-learn have come to rest.
                time.sleep(0.5)
                start = time.perf_counter()
                found[name] = process()
                times.setdefault(name, []).append(time.perf_counter() - start)
                if not is_enough(found[name]):
                    raise SystemExit(f"{name} reaches {found[name]}")
            times.setdefault(f"scikit-learn, {iterations} iterations, its fit alone", []).append(fit())
    ours = statistics.median(times["onelayer"])
    print(f"NumPy {np.__version__}, {job.threads()} cores, medians of {rounds}\n")
    print("| | test accuracy | loss | ms | least to most | times onelayer |\n|:--|--:|--:|--:|--:|--:|")
    for name, seconds in times.items():
        accuracy, loss = (f"{value:.4f}" for value in found[name]) if name in found else ("enough", "enough")
        median, spread = statistics.median(seconds), f"{1e3 * min(seconds):.0f} to {1e3 * max(seconds):.0f}"
        print(f"| {name} | {accuracy} | {loss} | {1e3 * median:.0f} | {spread} | {median / ours:.1f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default=job.DATA)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--numpy", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.numpy:
        numpy_process(args.data, args.numpy)
    else:
        main(args.data, args.rounds)
