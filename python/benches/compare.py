"""Processor seconds of a fit to the same validation loss: SoftmaxClassifier, scikit-learn's and PyTorch's ways, side by side.

    python benches/compare.py [CIFAR_FOLDER] [--rounds 5] [--only digits]

Everybody has one thread, whose processor seconds are counted: so what else the machine does changes little. Everybody
begins with the arrays as they are, and is timed with standardization and conversion of its own. First each tries
all of its settings below with more and more passes over the data, until that helps no more. Asked for is what is within 2 % of the lowest validation
loss that any of them reached; each takes its fastest fit that gets there. These are then timed in turns. Without PyTorch its
row is left out.
"""

import argparse
import itertools
import statistics
import sys
import time
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits, make_classification
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import onelayer

sys.path.append(str(Path(__file__).parent.parent / "examples"))
import patches  # noqa: E402

try:
    import torch
except ImportError:
    torch = None

MARGIN = 1.02
EPOCHS = (1, 2, 3, 5, 8, 12, 20, 40, 80, 160, 320)
# More passes help no more where twice more take less than this share from the loss; and nobody waits for so many seconds.
LEAST_GAIN, LONGEST = 0.002, 3


class Scaled:
    """A classifier of scikit-learn on float32 features, standardized."""

    def __init__(self, classifier):
        self.scaler, self.classifier = StandardScaler(), classifier

    def fit(self, X, y):
        self.classifier.fit(self.scaler.fit_transform(X.astype(np.float32, copy=False)), y)
        return self

    def predict_proba(self, X):
        return self.classifier.predict_proba(self.scaler.transform(X.astype(np.float32, copy=False)))


class Torch:
    """nn.Linear with SGD as SoftmaxClassifier's defaults: Nesterov's momentum, a linear schedule, batches of 100."""

    def __init__(self, eta, decay, epochs):
        self.eta, self.decay, self.epochs = eta, decay, epochs

    def fit(self, X, y):
        torch.manual_seed(0)
        x, labels = self.standardized(X, first=True), torch.from_numpy(y.astype(np.int64))
        classes = int(labels.max()) + 1
        self.linear = torch.nn.Linear(x.shape[1], classes)
        groups = [
            {"params": [self.linear.weight], "weight_decay": 2 * self.decay},
            {"params": [self.linear.bias]},
        ]
        optimizer = torch.optim.SGD(groups, lr=self.eta, momentum=0.9, nesterov=True)
        steps = self.epochs * -(-len(x) // 100)
        schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 1e-9, steps)
        for _ in range(self.epochs):
            order = torch.randperm(len(x))
            for batch in order.split(100):
                optimizer.zero_grad()
                torch.nn.functional.cross_entropy(self.linear(x[batch]), labels[batch]).backward()
                optimizer.step()
                schedule.step()
        return self

    def predict_proba(self, X):
        with torch.inference_mode():
            return torch.softmax(self.linear(self.standardized(X)).double(), 1).numpy()

    def standardized(self, X, first=False):
        x = torch.from_numpy(X).float()
        if first:
            self.mean, self.std = x.mean(0), x.std(0, correction=0)
            self.std[self.std == 0] = 1
        return (x - self.mean) / self.std


def ways(samples):
    """Of each peer: its settings, and what makes a classifier of one of them and a number of passes."""
    # lambda, of lambda ||W||^2, in everybody's words.
    penalties = (0.0, 1e-4, 1e-3, 1e-2, 1e-1)
    found = {
        "onelayer": (
            penalties,
            EPOCHS,
            lambda penalty, epochs: onelayer.SoftmaxClassifier(penalty=penalty, epochs=epochs, n_jobs=1),
        ),
        "scikit-learn, LogisticRegression": (
            penalties[1:],
            (5, 10, 20, 40, 80, 160, 320),
            lambda penalty, most: Scaled(LogisticRegression(C=0.5 / (samples * penalty), max_iter=most)),
        ),
        "scikit-learn, SGDClassifier": (
            [*itertools.product([1e-4, 1e-2], ["optimal", "adaptive"])],
            EPOCHS,
            lambda how, epochs: Scaled(
                SGDClassifier(
                    loss="log_loss", alpha=how[0], learning_rate=how[1], eta0=1e-3, max_iter=epochs, tol=None
                )
            ),
        ),
    }
    if torch is not None:
        found["PyTorch, SGD"] = (
            [(eta, decay) for eta in (1e-3, 3e-3, 1e-2, 3e-2) for decay in (0.0, 1e-2)],
            EPOCHS,
            lambda how, epochs: Torch(*how, epochs),
        )
    return found


def timed(classifier, train, validation):
    """Seconds of a fit, and the validation loss and accuracy."""
    start = time.process_time()
    classifier.fit(*train)
    seconds = time.process_time() - start
    X, y = validation
    p = classifier.predict_proba(X).astype(np.float64)
    p /= p.sum(1, keepdims=True)
    return seconds, log_loss(y, p, labels=range(p.shape[1])), np.mean(p.argmax(1) == y)


def compared(train, validation, rounds):
    """Rows of the table: peer, its choice, seconds, loss, accuracy."""
    tried = {}
    for name, (settings, passes, make) in ways(len(train[0])).items():
        tried[name] = []
        for setting in settings:
            losses = []
            for count in passes:
                result = timed(make(setting, count), train, validation)
                tried[name].append((*result, setting, count))
                losses.append(result[1])
                gained = len(losses) < 3 or losses[-1] < losses[-3] * (1 - LEAST_GAIN)
                if result[0] > LONGEST or not gained:
                    break
    best = min(loss for fits in tried.values() for _, loss, *_ in fits)
    asked = MARGIN * best
    chosen = {name: min((fit for fit in fits if fit[1] <= asked), default=None) for name, fits in tried.items()}
    seconds = {name: [] for name, fit in chosen.items() if fit}
    for _ in range(rounds):
        for name in seconds:
            make = ways(len(train[0]))[name][2]
            seconds[name].append(timed(make(*chosen[name][3:]), train, validation)[0])
    for name, fit in chosen.items():
        if fit is None:
            _, loss, accuracy, setting, count = min(tried[name], key=lambda fit: fit[1])
            yield name, f"{setting}, {count}", None, loss, accuracy, asked
        else:
            yield name, f"{fit[3]}, {fit[4]}", seconds[name], fit[1], fit[2], asked


def of_cifar(folder):
    cifar = onelayer.load_cifar(folder)
    return cifar.train, cifar.validation


def of_patches(folder):
    splits = of_cifar(folder)
    learned = patches.learn(splits[0][0], 200, np.random.default_rng(0))
    return tuple((patches.features(X, *learned), y) for X, y in splits)


def of(X, y, held):
    X, X_held, y, y_held = train_test_split(X.astype(np.float32), y, test_size=held, random_state=0, stratify=y)
    return (X, y), (X_held, y_held)


def data(folder):
    """What makes pairs (X, y) to train and to validate, by the names of the data sets."""
    many = dict(n_samples=120_000, n_features=100, n_informative=50, n_classes=10, random_state=0)
    found = {
        "digits": lambda: of(*load_digits(return_X_y=True), 0.25),
        "make_classification": lambda: of(*make_classification(**many), 20_000),
    }
    if folder is not None:
        found["CIFAR-10"] = lambda: of_cifar(folder)
        found["patch features of CIFAR-10"] = lambda: of_patches(folder)
    return found


def probabilities(train, validation, rounds):
    """Seconds of predict_proba on the validation samples: ours and LogisticRegression's on standardized ones."""
    ours = onelayer.SoftmaxClassifier(epochs=1, n_jobs=1).fit(*train)
    scaled = StandardScaler().fit_transform(train[0].astype(np.float32))
    theirs = LogisticRegression(max_iter=5).fit(scaled, train[1])
    found = {"onelayer": [], "LogisticRegression": []}
    for _ in range(rounds):
        for name, classifier, X in [("onelayer", ours, validation[0]), ("LogisticRegression", theirs, scaled)]:
            start = time.process_time()
            classifier.predict_proba(X)
            found[name].append(time.process_time() - start)
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="", help="of data sets whose name begins so")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    threadpool_limits(1)
    if torch is not None:
        torch.set_num_threads(1)
    print("| data | peer | its choice | seconds, median (least to most) | onelayer is | loss | accuracy |")
    print("|:--|:--|:--|--:|--:|--:|--:|", flush=True)
    for name, make in data(options.folder).items():
        if not name.startswith(options.only):
            continue
        train, validation = make()
        ours = None
        shape = f"{name}, {len(train[0]):,} x {train[0].shape[1]:,} {train[0].dtype}"
        for peer, choice, seconds, loss, accuracy, asked in compared(train, validation, options.rounds):
            if seconds is None:
                cells = ["not reached", ""]
            else:
                median = statistics.median(seconds)
                ours = ours or median
                cells = [f"{median:.3f} ({min(seconds):.3f} to {max(seconds):.3f})", f"{median / ours:.1f} x"]
            print("|", " | ".join([shape, peer, choice, *cells, f"{loss:.4f} (asked: {asked:.4f})", f"{accuracy:.4f}"]), "|", flush=True)
        if len(train[0]) == len(validation[0]) and train[0].dtype == np.uint8:
            found = probabilities(train, validation, options.rounds)
            print("predict_proba:", {peer: f"{seconds:.4f} s" for peer, seconds in found.items()}, file=sys.stderr)


if __name__ == "__main__":
    main()
