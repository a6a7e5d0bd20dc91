"""SoftmaxClassifier() as it is beside LogisticRegression on standardized features: scikit-learn's data sets, five folds.

    python benches/defaults.py ['{"penalty": 1e-3}']
"""

import json
import sys
import warnings

import numpy as np
from sklearn import datasets
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from onelayer import SoftmaxClassifier

SETS = {
    "iris": lambda: datasets.load_iris(return_X_y=True),
    "wine": lambda: datasets.load_wine(return_X_y=True),
    "breast cancer": lambda: datasets.load_breast_cancer(return_X_y=True),
    "digits": lambda: datasets.load_digits(return_X_y=True),
    "blobs": lambda: datasets.make_blobs(2000, 10, centers=8, cluster_std=6, random_state=0),
    "moons": lambda: datasets.make_moons(1000, noise=0.3, random_state=0),
    "circles": lambda: datasets.make_circles(1000, noise=0.2, factor=0.5, random_state=0),
    "hastie": lambda: datasets.make_hastie_10_2(4000, random_state=0),
    "gaussian quantiles": lambda: datasets.make_gaussian_quantiles(
        n_samples=3000, n_features=20, n_classes=3, random_state=0
    ),
    "classification, 20 features": lambda: datasets.make_classification(2000, random_state=0),
    "classification, 200 features": lambda: datasets.make_classification(
        5000, 200, n_informative=50, n_redundant=50, n_classes=10, random_state=0
    ),
    "classification, rare class": lambda: datasets.make_classification(
        5000, 30, n_informative=10, weights=[0.95], random_state=0
    ),
    "multilabel, first label": lambda: (
        lambda found: (found[0], found[1][:, 0])
    )(datasets.make_multilabel_classification(3000, 50, random_state=0)),
}


def judged(make, X, y):
    """Mean accuracy and log loss over five folds."""
    found = []
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(X, y):
        model = make().fit(X[train], y[train])
        p = model.predict_proba(X[test])
        predicted = model.classes_[p.argmax(1)]
        found.append((accuracy_score(y[test], predicted), log_loss(y[test], p, labels=model.classes_)))
    return np.mean(found, axis=0)


def main():
    arguments = json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    warnings.simplefilter("ignore")
    print("| data | samples x features, classes | accuracy | of LogisticRegression | log loss | of LogisticRegression |")
    print("|:--|--:|--:|--:|--:|--:|")
    for name, load in SETS.items():
        X, y = load()
        ours = judged(lambda: SoftmaxClassifier(**arguments), X, y)
        theirs = judged(lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)), X, y)
        shape = f"{X.shape[0]:,} x {X.shape[1]}, {len(np.unique(y))}"
        cells = [f"{value:.4f}" for pair in zip(ours, theirs) for value in pair]
        print("|", " | ".join([name, shape, *cells]), "|")


if __name__ == "__main__":
    main()
