"""Writes the files beside this one: two tiny data sets as NumPy and MNIST store them.

`python3 write.py` (with NumPy 2). Pixel d of image n is 7 n + 3 d, as a byte; the label of image n is n % 3. keras.npz has
the arrays of Keras's mnist.npz, deflated; stored.npz has float32 ones by the usual names, not deflated. The IDX files are
those of MNIST: two of them as they are, two packed by gzip.
"""

import gzip
import os
import struct

import numpy


def images(count):
    n, d = numpy.arange(count)[:, None], numpy.arange(16)[None, :]
    return ((7 * n + 3 * d) % 256).astype(numpy.uint8).reshape(count, 4, 4)


def labels(count):
    return (numpy.arange(count) % 3).astype(numpy.uint8)


def idx(array):
    return struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(">%dI" % array.ndim, *array.shape) + array.tobytes()


os.chdir(os.path.dirname(os.path.abspath(__file__)))
train, test = (images(10), labels(10)), (images(4), labels(4))
numpy.savez_compressed("keras.npz", x_train=train[0], y_train=train[1], x_test=test[0], y_test=test[1])
numpy.savez(
    "stored.npz",
    train_images=train[0].reshape(10, 16).astype(numpy.float32),
    train_labels=train[1].astype(numpy.int64),
    test_images=test[0].reshape(4, 16).astype(numpy.float32),
    test_labels=test[1].astype(numpy.int64),
)
for split, (x, y) in [("train", train), ("t10k", test)]:
    pack = gzip.compress if split == "t10k" else bytes
    ending = ".gz" if split == "t10k" else ""
    with open(split + "-images-idx3-ubyte" + ending, "wb") as file:
        file.write(pack(idx(x)))
    with open(split + "-labels-idx1-ubyte" + ending, "wb") as file:
        file.write(pack(idx(y)))
