"""scikit-learn: it has no mini-batch softmax, so this is what its users would run to the same test accuracy.

LogisticRegression fits the same model by L-BFGS, and stops after as few iterations as reach the accuracy.
SGDClassifier fits one logistic model against the rest for each class, in one thread a class, image by image. Neither
gives a curve: there is no evaluation after each epoch in these times, and no cost for it.
"""

import warnings

import sklearn
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier

from job import threads


def version():
    return sklearn.__version__


def prepare(data, accuracy):
    """Functions that fit to the test accuracy `accuracy`, or with the most effort listed where none reaches it:
    {name: run}, each returns what it reached."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    (x_train, y_train), _, (x_test, y_test) = data

    def reaching(make, efforts):
        # Which effort reaches the accuracy is found before the clock starts.
        for effort in efforts:
            if make(effort).fit(x_train, y_train).score(x_test, y_test) >= accuracy:
                break
        return lambda: make(effort).fit(x_train, y_train).score(x_test, y_test)

    return {
        "LogisticRegression": reaching(
            lambda iterations: LogisticRegression(C=1e-3, max_iter=iterations, tol=1e-12), (8, 10, 12, 13, 14, 15, 16, 18, 20, 25, 30, 40)
        ),
        "SGDClassifier": reaching(
            lambda epochs: SGDClassifier(
                loss="log_loss",
                alpha=0.1,
                learning_rate="constant",
                eta0=1e-5,
                max_iter=epochs,
                tol=None,
                n_jobs=threads(),
            ),
            (1, 2, 5, 10, 15),
        ),
    }
