"""The optimum itself: L-BFGS on onelayer, scikit-learn, Intel's extension of it and SciPy, to the same objective, in turns.

    benches/peers/run optimum [--data DIR] [--intel] [--features DIR] [--rounds N] [--penalties N] [--exact]

The objective is softmax with the penalty lambda ||W||^2, lambda = 1 / (2 C N) with C 0.01, on CIFAR-10's data_batch_1 and, with
--features, on the arrays of f32 in a folder. First each peer's tolerance is found with which it comes
within 1e-4 of the optimum, relative, and the objective of what it found is computed in f64 from the formulas; then all fit in
turns with these. scikit-learn and SciPy have the standardized features in memory, in float32; onelayer's time is that of its
iterations, without reading files and without evaluating the validation images, which the others do not. The engine fixed
takes part on bytes alone: it finds the optimum of features rounded to 256 levels, which is more than 1e-4 above that of the
features themselves.
Intel's extension takes part with --intel.
With --exact, how near onelayer comes to the optimum that scikit-learn finds in f64 with the tolerance 1e-8.
With --penalties, lambdas from 1e-6 to 1e2: `onelayer sweep`, along a path and without, beside one fit of scikit-learn after the
other.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time
import warnings

import numpy as np
import scipy
import sklearn
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

import job

try:
    from sklearnex import linear_model as sklearnex
except ImportError:
    sklearnex = None

WITHIN, C = 1e-4, 0.01
TOLERANCES = [3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6]


def splits(folder, name):
    if name == "cifar":
        return job.load(folder)[0]
    load = lambda part: np.load(pathlib.Path(folder) / f"train_{part}.npy")
    x, y = load("images").astype(np.float64), load("labels").astype(np.int64)
    std = x.std(axis=0)
    std[std == 0] = 1
    return ((x - x.mean(axis=0)) / std).astype(np.float32), y


def objective(x, y, weight, bias, penalty):
    """The cost and its gradient by weight and bias, in the type of x."""
    logits = x @ weight.T + bias
    logits -= logits.max(axis=1, keepdims=True)
    p = np.exp(logits)
    total = p.sum(axis=1, keepdims=True)
    rows = np.arange(len(y))
    cost = float((np.log(total[:, 0]) - logits[rows, y]).mean(dtype=np.float64))
    p /= total
    p[rows, y] -= 1
    p /= len(y)
    cost += penalty * float((weight.astype(np.float64) ** 2).sum())
    return cost, p.T @ x + 2 * penalty * weight, p.sum(axis=0)


class Sklearn:
    def __init__(self, x, y, estimator=LogisticRegression):
        self.x, self.y, self.estimator = x, y, estimator

    def fit(self, tolerance, penalty):
        c = 1 / (2 * penalty * len(self.y))
        fitted = self.estimator(C=c, tol=tolerance, max_iter=10_000).fit(self.x, self.y)
        return fitted.coef_, fitted.intercept_


class Scipy:
    """SciPy's L-BFGS over NumPy: what scikit-learn drives, without scikit-learn."""

    def __init__(self, x, y):
        self.x, self.y, self.k = x, y, int(y.max()) + 1

    def fit(self, tolerance, penalty):
        d = self.x.shape[1]
        split = lambda flat: (flat[: self.k * d].reshape(self.k, d), flat[self.k * d :])

        def at(flat):
            weight, bias = split(flat.astype(np.float32))
            cost, dweight, dbias = objective(self.x, self.y, weight, bias, penalty)
            return cost, np.concatenate([dweight.ravel(), dbias]).astype(np.float64)

        options = {"gtol": tolerance, "ftol": 0, "maxiter": 10_000, "maxcor": 10}
        start = np.zeros(self.k * (d + 1))
        return split(minimize(at, start, jac=True, method="L-BFGS-B", options=options).x)


class Onelayer:
    def __init__(self, folder, engine):
        self.folder, self.engine = folder, engine

    def run(self, verb, *words):
        with tempfile.TemporaryDirectory() as out:
            command = [job.ONELAYER, verb, "--data", self.folder, "--engine", self.engine, "--optimizer", "lbfgs"]
            command += [*words, "--json", "--overwrite", "--out", f"{out}/run"]
            record = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
            model = pathlib.Path(f"{out}/run/model.safetensors")
            return record, model.read_bytes() if model.exists() else None

    def fit(self, tolerance, penalty):
        words = ["--tol", str(tolerance), "--lambda", repr(penalty), "--evaluate-every", "100000", "--no-report"]
        record, model = self.run("train", *words)
        self.seconds, self.ended = record["seconds"]["train"], record["ended"]
        size = int.from_bytes(model[:8], "little")
        header = json.loads(model[8 : 8 + size])

        def tensor(name):
            first, last = header[name]["data_offsets"]
            return np.frombuffer(model[8 + size + first : 8 + size + last], np.float32).reshape(header[name]["shape"])

        return tensor("weight"), tensor("bias")


def seconds(peer, tolerance, penalty):
    start = time.perf_counter()
    peer.fit(tolerance, penalty)
    return peer.seconds if isinstance(peer, Onelayer) else time.perf_counter() - start


def compare(name, folder, rounds):
    x, y = splits(folder, name)
    penalty = 1 / (2 * C * len(y))
    wide = x.astype(np.float64)
    engines = ["simd", "fixed"] if name == "cifar" else ["simd"]
    peers = {f"onelayer, {engine}": Onelayer(folder, engine) for engine in engines}
    peers |= {"scikit-learn": Sklearn(x, y), "SciPy over NumPy": Scipy(x, y)}
    if sklearnex:
        peers["Intel's extension"] = Sklearn(x, y, sklearnex.LogisticRegression)
    lowest, *_ = objective(wide, y, *(part.astype(np.float64) for part in peers["onelayer, simd"].fit(1e-6, penalty)), penalty)
    enough = {}
    for peer, one in peers.items():
        for tolerance in TOLERANCES:
            found, *_ = objective(wide, y, *(part.astype(np.float64) for part in one.fit(tolerance, penalty)), penalty)
            if found <= lowest * (1 + WITHIN):
                break
        else:
            raise SystemExit(f"{peer} does not come within {WITHIN} of {lowest}")
        enough[peer] = (tolerance, found / lowest - 1)
    times = {peer: [] for peer in peers}
    for _ in range(rounds):
        for peer, one in peers.items():
            times[peer].append(seconds(one, enough[peer][0], penalty))
    ours = statistics.median(times["onelayer, simd"])
    print(f"\n{name}, {x.shape[0]} x {x.shape[1]}, lambda {penalty:g}, optimum {lowest:.9f}, medians of {rounds}\n")
    print("| | tol | above the optimum | seconds | least to most | times simd |\n|:--|--:|--:|--:|--:|--:|")
    for peer, found in times.items():
        (tolerance, above), median = enough[peer], statistics.median(found)
        spread = f"{min(found):.3f} to {max(found):.3f}"
        print(f"| {peer} | {tolerance:g} | {above:.1e} | {median:.3f} | {spread} | {median / ours:.1f} |", flush=True)


def exact(name, folder):
    x, y = splits(folder, name)
    wide, penalty = x.astype(np.float64), 1 / (2 * C * len(y))
    theirs = Sklearn(wide, y).fit(1e-8, penalty)
    smallest, *_ = objective(wide, y, *theirs, penalty)
    for engine in ["simd", "fixed"] if name == "cifar" else ["simd"]:
        ours = [part.astype(np.float64) for part in Onelayer(folder, engine).fit(1e-6, penalty)]
        above = objective(wide, y, *ours, penalty)[0] / smallest - 1
        furthest = np.abs(ours[0] - theirs[0]).max() / np.abs(theirs[0]).max()
        print(f"{name}, {engine}: objective {above:.1e} above scikit-learn's, weights within {furthest:.1e} of the largest", flush=True)


def path(name, folder, penalties):
    x, y = splits(folder, name)
    lambdas = np.geomspace(1e-6, 1e2, penalties)
    words = ["--lambda", f"1e-6..1e2:{penalties}", "--tol", "1e-4", "--iterations", "1000", "--evaluate-every", "100000", "--no-report"]
    ours = []
    for how in [["--path"], []]:
        start = time.perf_counter()
        Onelayer(folder, "simd").run("sweep", *words, *how)
        ours.append(time.perf_counter() - start)
    start = time.perf_counter()
    for penalty in lambdas:
        LogisticRegression(C=1 / (2 * penalty * len(y)), tol=1e-4, max_iter=1000).fit(x, y)
    theirs = time.perf_counter() - start
    print(f"\n{name}: {penalties} penalties from 1e-6 to 1e2, tol 1e-4, at most 1000 iterations each: onelayer sweep --path, the whole")
    print(f"process, {ours[0]:.2f} s, without --path {ours[1]:.2f} s; scikit-learn, one fit after the other, {theirs:.1f} s:")
    print(f"{theirs / ours[0]:.1f} and {theirs / ours[1]:.1f} times", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default=job.DATA)
    parser.add_argument("--features")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--penalties", type=int)
    parser.add_argument("--exact", action="store_true")
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"scikit-learn {sklearn.__version__}, SciPy {scipy.__version__}, NumPy {np.__version__}, {job.threads()} cores")
    folders = {"cifar": args.data} | ({"features": args.features} if args.features else {})
    for name, folder in folders.items():
        compare(name, folder, args.rounds)
        if args.exact:
            exact(name, folder)
    if args.penalties:
        name = "features" if args.features else "cifar"
        path(name, folders[name], args.penalties)
