"""One trained layer on CIFAR-10, on what a fixed layer of whitened patches sees.

The features are those of Coates, Lee and Ng (2011), "An analysis of single-layer networks in unsupervised feature learning":
6 x 6 patches, contrast normalized and whitened, their distances to centroids that spherical k-means finds without labels,
summed over quadrants. One matrix of weights is trained on them, to the optimum; a sweep chooses its penalty.

    python examples/patches.py CIFAR_FOLDER [CENTROIDS]
"""

import sys
import time

import numpy as np

import onelayer

SIDE, PLACES = 6, 32 - 6 + 1


def patches(images):
    """[n, 3072] -> [n * 27 * 27, 108], contrast normalized."""
    pictures = images.reshape(-1, 3, 32, 32)
    windows = np.lib.stride_tricks.sliding_window_view(pictures, (SIDE, SIDE), axis=(2, 3))
    found = windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, 3 * SIDE * SIDE).astype(np.float32)
    found -= found.mean(1, keepdims=True)
    return found / np.sqrt(found.var(1, keepdims=True) + 10)


def learn(images, count, random):
    """The whitening (mean and matrix), and the centroids of whitened patches."""
    some = patches(images[random.choice(len(images), 1000, replace=False)])
    some = some[random.choice(len(some), 100_000, replace=False)]
    mean = some.mean(0)
    values, vectors = np.linalg.eigh(np.cov(some - mean, rowvar=False))
    whiten = ((vectors / np.sqrt(values + 0.1)) @ vectors.T).astype(np.float32)
    white = (some - mean) @ whiten
    centroids = random.standard_normal((count, white.shape[1]), dtype=np.float32)
    for _ in range(10):
        centroids /= np.linalg.norm(centroids, axis=1, keepdims=True)
        scores = white @ centroids.T
        nearest = np.abs(scores).argmax(1)
        weight = scores[np.arange(len(white)), nearest]
        for index in range(count):
            mine = nearest == index
            if mine.any():
                centroids[index] = weight[mine] @ white[mine]
    return mean, whiten, centroids / np.linalg.norm(centroids, axis=1, keepdims=True)


def features(images, mean, whiten, centroids):
    """[n, 4 * centroids]: how much nearer than the average each centroid is, summed over the quadrants of a picture."""
    made = np.empty((len(images), 4, len(centroids)), np.float32)
    halves = (slice(0, PLACES // 2 + 1), slice(PLACES // 2 + 1, PLACES))
    # Picture by picture, so that the distances stay in a cache.
    for picture, sums in zip(images, made):
        white = (patches(picture) - mean) @ whiten
        near = white @ (-2 * centroids.T)
        near += (white * white).sum(1, keepdims=True) + 1
        np.sqrt(np.maximum(near, 0, out=near), out=near)
        np.maximum(np.subtract(near.mean(1, keepdims=True), near, out=near), 0, out=near)
        near = near.reshape(PLACES, PLACES, len(centroids))
        sums[:] = [near[rows, columns].sum((0, 1)) for rows in halves for columns in halves]
    return made.reshape(len(images), -1)


def main():
    folder, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1600
    cifar = onelayer.load_cifar(folder, train=[f"data_batch_{n}" for n in range(1, 6)], validation=())
    (X, y), (X_test, y_test) = cifar.train, cifar.test
    start = time.perf_counter()
    learned = learn(X, count, np.random.default_rng(0))
    seen, seen_test = features(X, *learned), features(X_test, *learned)
    print(f"features  {seen.shape[0]:,} x {seen.shape[1]:,} in {time.perf_counter() - start:.0f} s", flush=True)

    start = time.perf_counter()
    # The engine fixed rounds each feature to 256 levels: a quarter of the memory.
    base = onelayer.SoftmaxClassifier(solver="lbfgs", engine="fixed", max_iter=200, validation_fraction=0.1)
    grid = {"label_smoothing": [0, 0.1]}
    swept = onelayer.sweep(seen, y, base, penalties="2.5e-4..2e-3:4", grid=grid, refit=True)
    accuracy = swept.table["validation_accuracy"][0]
    print(f"sweep     {len(swept)} runs in {time.perf_counter() - start:.0f} s: {swept.best_params}, {accuracy:.4f} validated")
    print(f"test      {swept.best_estimator.score(seen_test, y_test):.4f}")


if __name__ == "__main__":
    main()
