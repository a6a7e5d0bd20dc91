"""One-layer networks by mini-batch gradient descent, in f64, from the formulas: nothing of it is the library's.

Reads a job as JSON, {"train": {"features": [N, D], "labels": [N]}, "validation": ..., "standardize": whether they are,
"runs": [{"weight": [K, D],
"bias": [K], "eta", "lambda", "batch", "epochs", "schedule", "momentum", "objective", "smoothing", "class_weights": [K],
"flips": [epochs, N], "width"}]}, and prints for each run what training ends with and every epoch's figures.
"""

import json
import sys

import numpy as np


def standardization(pixels):
    # In bytes, whose sums are exact: a constant pixel has a deviation of exactly 0.
    mean, std = pixels.mean(axis=0), pixels.std(axis=0)
    return mean, np.where(std == 0, 255.0, std)


def softmax(run, logits, truth):
    targets = (1 - run["smoothing"]) * np.eye(logits.shape[1])[truth] + run["smoothing"] / logits.shape[1]
    shifted = logits - logits.max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -(targets * logs).sum(axis=1), np.exp(logs) - targets


def hinge(run, logits, truth):
    rows = np.arange(len(truth))
    margins = logits - logits[rows, truth][:, None] + 1
    margins[rows, truth] = 0
    dlogits = (margins > 0).astype(float)
    dlogits[rows, truth] = -dlogits.sum(axis=1)
    return np.maximum(margins, 0).sum(axis=1), dlogits


def sigmoid(run, logits, truth):
    classes = logits.shape[1]
    targets = np.eye(classes)[truth]
    losses = np.logaddexp(0, logits) - targets * logits
    return losses.mean(axis=1), (1 / (1 + np.exp(-logits)) - targets) / classes


OBJECTIVES = {"softmax": softmax, "hinge": hinge, "sigmoid": sigmoid}


def objective(run, logits, truth):
    losses, dlogits = OBJECTIVES[run["objective"]](run, logits, truth)
    weights = np.array(run["class_weights"])[truth]
    return weights * losses, weights[:, None] * dlogits


def rate(run, step, steps, epoch):
    kind, *numbers = run["schedule"].split(":")
    eta, numbers = run["eta"], [float(number) for number in numbers]
    if kind == "linear":
        return eta * (1 - step / steps)
    if kind == "cosine":
        return eta * (1 + np.cos(np.pi * step / steps)) / 2
    if kind == "step":
        return eta * numbers[1] ** (step // epoch // numbers[0])
    return eta


def figures(run, x, labels, weight, bias):
    logits = x @ weight.T + bias
    loss = objective(run, logits, labels)[0].mean()
    cost = loss + run["lambda"] * (weight**2).sum()
    return {"loss": loss, "cost": cost, "accuracy": float((logits.argmax(axis=1) == labels).mean())}


def train(splits, run):
    (x, labels), validation = splits
    weight, bias = np.array(run["weight"]), np.array(run["bias"])
    moving = [np.zeros_like(weight), np.zeros_like(bias)]
    batch, momentum, step = run["batch"], run["momentum"], 0
    epoch = -(-len(labels) // batch)
    history = []
    for number in range(run["epochs"]):
        images = x
        if run["flips"]:
            # Standardization is that of the plain images, pixel by pixel.
            raw = x * std + mean
            mirrored = raw.reshape(len(raw), -1, run["width"])[:, :, ::-1].reshape(raw.shape)
            images = (np.where(np.array(run["flips"][number])[:, None], mirrored, raw) - mean) / std
        for first in range(0, len(labels), batch):
            inputs, truth = images[first : first + batch], labels[first : first + batch]
            _, dlogits = objective(run, inputs @ weight.T + bias, truth)
            gradients = [dlogits.T @ inputs / len(truth) + 2 * run["lambda"] * weight, dlogits.mean(axis=0)]
            moving = [momentum * v + g for v, g in zip(moving, gradients)]
            eta = rate(run, step, run["epochs"] * epoch, epoch)
            weight, bias = (p - eta * (g + momentum * v) for p, g, v in zip([weight, bias], gradients, moving))
            step += 1
        history.append([figures(run, *split, weight, bias) for split in splits])
    logits = validation[0] @ weight.T + bias
    return {"weight": weight.ravel().tolist(), "bias": bias.tolist(), "history": history, "logits": logits.tolist()}


job = json.load(sys.stdin)
raw = [(np.array(job[name]["features"]), np.array(job[name]["labels"])) for name in ("train", "validation")]
mean, std = standardization(raw[0][0]) if job["standardize"] else (0, 1)
splits = [((features - mean) / std, labels) for features, labels in raw]
print(json.dumps([train(splits, run) for run in job["runs"]]))
