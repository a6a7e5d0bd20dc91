"""A grid of learning rates and penalties: `onelayer sweep` beside scikit-learn's GridSearchCV, on the same split.

    benches/peers/run grid [--data DIR] [--fits N]

onelayer trains 10 x 10 settings, the whole process, from the files on: for three epochs with momentum and a falling rate,
which is enough for the accuracy that GridSearchCV finds; and for the lab's 40 epochs, each evaluated after every epoch.
GridSearchCV gets the standardized images in memory, all cores and a few of the points, and is extrapolated to 100: over
SGDClassifier, which has no mini-batches and trains one classifier a class, for 5 epochs, and over LogisticRegression, which
stops after 15 iterations of L-BFGS.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
import warnings

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import GridSearchCV, PredefinedSplit

import job

POINTS = 100


SHORT = "--eta 5e-4..1e-2:10 --momentum 0.9 --schedule linear --epochs 3 --evaluate-every 3"
LAB = "--eta 1e-4..1e-1:10 --epochs 40"


def onelayer(folder, options):
    with tempfile.TemporaryDirectory() as out:
        command = [job.ONELAYER, "sweep", "--data", folder, "--lambda", "0,1e-4..1:9", *options.split()]
        command += ["--no-report", "--json", "--out", f"{out}/sweep"]
        start = time.perf_counter()
        record = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        return time.perf_counter() - start, max(run["validation"]["accuracy"] or 0 for run in record["runs"])


def scikit_learn(folder, estimator, grid):
    (x, y), (xs, ys) = job.load(folder)[:2]
    images, labels = np.concatenate([x, xs]), np.concatenate([y, ys])
    split = PredefinedSplit(np.repeat([-1, 0], [len(y), len(ys)]))
    start = time.perf_counter()
    found = GridSearchCV(estimator, grid, cv=split, n_jobs=-1, refit=False).fit(images, labels)
    return time.perf_counter() - start, found.best_score_


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", default=job.DATA)
    parser.add_argument("--fits", type=int, default=4)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    os.environ["PYTHONWARNINGS"] = "ignore"
    ours = {"3 epochs": SHORT, "40 epochs": LAB, "40 epochs, --halving 3": f"{LAB} --halving 3"}
    found = {f"onelayer sweep, {name}": (POINTS, *onelayer(args.data, options)) for name, options in ours.items()}
    sgd = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=1e-5, max_iter=5, tol=None)
    # The best penalties of a wider search lie among these.
    found["GridSearchCV, SGDClassifier"] = (
        args.fits, *scikit_learn(args.data, sgd, {"alpha": np.geomspace(1e-2, 1, args.fits)})
    )
    found["GridSearchCV, LogisticRegression"] = (
        args.fits,
        *scikit_learn(args.data, LogisticRegression(max_iter=15), {"C": np.geomspace(1e-4, 1e-2, args.fits)}),
    )
    print(f"scikit-learn {sklearn.__version__}, NumPy {np.__version__}, {job.threads()} cores\n")
    print("| | points | seconds | for 100 | times the first | validation accuracy |\n|:--|--:|--:|--:|--:|--:|")
    first = next(iter(found.values()))[1]
    for name, (points, seconds, accuracy) in found.items():
        all_points = seconds / points * POINTS
        print(f"| {name} | {points} | {seconds:.1f} | {all_points:.1f} | {all_points / first:.1f} | {accuracy:.4f} |")
