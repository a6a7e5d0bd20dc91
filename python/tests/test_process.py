"""The package in a process: signals, threads, other processes, memory, panics."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import psutil
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_score

from onelayer import SoftmaxClassifier, _onelayer


def many(samples=20_000, features=1000):
    random = np.random.default_rng(0)
    return random.integers(0, 256, (samples, features), np.uint8), random.integers(0, 10, samples)


def interrupted(work, after=0.3):
    """The seconds between Ctrl-C and the KeyboardInterrupt."""
    moment = []

    def press():
        moment.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Timer(after, press).start()
    with pytest.raises(KeyboardInterrupt):
        work()
    return time.perf_counter() - moment[0]


def test_ctrl_c_ends_a_fit_within_a_fifth_of_a_second(digits):
    X, y = many()
    assert interrupted(lambda: SoftmaxClassifier(epochs=100_000).fit(X, y)) < 0.2
    watched = lambda: SoftmaxClassifier(epochs=100_000).fit(X, y, callback=lambda record: False)
    assert interrupted(watched) < 0.2
    assert interrupted(lambda: SoftmaxClassifier(solver="lbfgs", penalty=0.0, tol=0.0).fit(X, y)) < 0.2
    # The process goes on.
    assert SoftmaxClassifier().fit(*digits).score(*digits) > 0.98


def test_a_panic_is_an_error():
    X, y = np.zeros((100, 3), np.uint8), np.full(100, 7, np.uint16)
    X[0] = 1
    # A label that no class has: the classifier never passes one on.
    with pytest.raises(RuntimeError, match="panicked: .*; please report this as a defect"):
        _onelayer.train((X, y, None), ["a", "b"], {"epochs": 1})


def test_the_lock_is_released_and_two_threads_fit_at_once(digits):
    X, y = many(5000)
    expected = SoftmaxClassifier(epochs=3).fit(X, y).coef_.tobytes()
    found, count = [], 0
    fit = lambda: found.append(SoftmaxClassifier(epochs=3).fit(X, y).coef_.tobytes())
    fitting = [threading.Thread(target=fit) for _ in range(2)]
    for thread in fitting:
        thread.start()
    while any(thread.is_alive() for thread in fitting):
        count += 1
        time.sleep(0.001)
    assert found == [expected] * 2 and count > 5


def test_searches_in_other_processes_find_the_same(digits):
    X, y = digits
    grid = {"penalty": [1e-4, 1e-2]}
    one, two = (
        GridSearchCV(SoftmaxClassifier(epochs=5), grid, cv=3, n_jobs=n).fit(X, y) for n in (1, 2)
    )
    assert one.cv_results_["mean_test_score"].tolist() == two.cv_results_["mean_test_score"].tolist()
    assert two.predict(X[:5]).tolist() == one.predict(X[:5]).tolist()
    scores = cross_val_score(SoftmaxClassifier(), X, y, cv=3, n_jobs=2)
    assert scores.min() > 0.9


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_can_fit(digits):
    SoftmaxClassifier(epochs=1, n_jobs=2).fit(*digits)
    child = os.fork()
    if child == 0:
        score = SoftmaxClassifier(epochs=5, n_jobs=2).fit(*digits).score(*digits)
        os._exit(0 if score > 0.9 else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_features_are_not_copied():
    # In a process of its own, whose peak is this fit's. 300 MB of bytes and of floats.
    script = """
import resource, sys
import numpy as np
from onelayer import SoftmaxClassifier
dtype = np.dtype(sys.argv[1])
X = np.ones((300_000_000 // dtype.itemsize // 1000, 1000), dtype)
X[::2] = 2
y = np.arange(len(X)) % 2
SoftmaxClassifier(epochs=1).fit(X[:1000], y[:1000])
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
model = SoftmaxClassifier(epochs=1, eta=1e-3).fit(X, y)
model.predict_proba(X)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)
"""
    for dtype in ("uint8", "float32"):
        words = [sys.executable, "-c", script, dtype]
        grown = int(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
        assert grown < 40_000_000, f"{dtype}: {grown:,} bytes for a fit on 300,000,000"


def test_a_thousand_fits_leak_nothing(digits):
    X, y = digits[0][:100], digits[1][:100]
    fit = lambda: SoftmaxClassifier(epochs=1, n_jobs=2).fit(X, y).predict_proba(X)
    for _ in range(100):
        fit()
    process = psutil.Process()
    before, threads = process.memory_info().rss, process.num_threads()
    for _ in range(1000):
        fit()
    assert process.memory_info().rss - before < 4_000_000
    assert process.num_threads() <= threads + 2


def test_the_package_needs_no_scikit_learn():
    script = "import sys, onelayer; onelayer.load_cifar; assert 'sklearn' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
