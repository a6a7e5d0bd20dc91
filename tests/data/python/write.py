"""Writes the files beside this one: small data sets as CIFAR's Python versions have them.

`python2.7 write.py` (with NumPy 1.16) writes the folders, in the official files' own words; the two lists of class names
come out as the official files, byte for byte. `python3 write.py` (with NumPy 2) writes python3_batch and one file for each later
protocol, the same images and labels as cifar-10-batches-py/data_batch_1, in Python 3's words; that of protocol 5 has its
labels in an array, and that of protocol 4 its images in Fortran's order.
"""

import os
import sys

import numpy

if sys.version_info[0] == 2:
    import cPickle as pickle
else:
    import pickle

FINE = """apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel can castle
caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur dolphin elephant flatfish forest
fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse
mushroom oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon
ray road rocket rose sea seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table
tank telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman worm""".split()
COARSE = """aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices
household_furniture insects large_carnivores large_man-made_outdoor_things large_natural_outdoor_scenes
large_omnivores_and_herbivores medium_mammals non-insect_invertebrates people reptiles small_mammals trees vehicles_1
vehicles_2""".split()


def images(salt, count, order="C"):
    """Pixel d of image n is salt + 7 n + d + d / 256, as a byte."""
    n, d = numpy.arange(count)[:, None], numpy.arange(3072)[None, :]
    return numpy.asarray((salt + 7 * n + d + d // 256) % 256, dtype=numpy.uint8, order=order)


def names(count):
    return ["image_s_%06d.png" % n for n in range(count)]


def cifar_10(salt, count, order="C"):
    return {
        "batch_label": "batch %d" % salt,
        "labels": [(3 * n + salt) % 10 for n in range(count)],
        "data": images(salt, count, order),
        "filenames": names(count),
    }


def cifar_100(salt, count):
    fine = [(37 * n + salt) % 100 for n in range(count)]
    return {
        "filenames": names(count),
        "batch_label": "batch %d" % salt,
        "fine_labels": fine,
        "coarse_labels": [label // 5 for label in fine],
        "data": images(salt, count),
    }


def write(path, value, protocol=2):
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), path)
    folder = os.path.dirname(path)
    if not os.path.isdir(folder):
        os.mkdir(folder)
    with open(path, "wb") as file:
        pickle.dump(value, file, protocol=protocol)


if sys.version_info[0] == 2:
    names_10 = "airplane automobile bird cat deer dog frog horse ship truck".split()
    write("cifar-10-batches-py/batches.meta", {"num_cases_per_batch": 10000, "label_names": names_10, "num_vis": 3072})
    write("cifar-10-batches-py/data_batch_1", cifar_10(1, 4))
    write("cifar-10-batches-py/data_batch_2", cifar_10(2, 3))
    write("cifar-10-batches-py/test_batch", cifar_10(3, 3))
    write("cifar-100-python/meta", {"fine_label_names": FINE, "coarse_label_names": COARSE})
    write("cifar-100-python/train", cifar_100(1, 6))
    write("cifar-100-python/test", cifar_100(3, 3))
    write("fortran_batch", cifar_10(1, 4, order="F"))
else:
    write("python3_batch", cifar_10(1, 4))
    write("protocol_3", cifar_10(1, 4), 3)
    write("protocol_4", cifar_10(1, 4, order="F"), 4)
    write("protocol_5", dict(cifar_10(1, 4), labels=numpy.array(cifar_10(1, 4)["labels"])), 5)
