"""Softmax regression by mini-batch gradient descent, in f64, from the formulas: nothing of it is the library's.

Reads a job as JSON, {"train": {"pixels": [N, D], "labels": [N]}, "validation": ..., "runs": [{"weight": [K, D],
"bias": [K], "eta", "lambda", "batch", "epochs"}]}, and prints for each run what training ends with and every epoch's
figures.
"""

import json
import sys

import numpy as np


def standardization(pixels):
    # In bytes, whose sums are exact: a constant pixel has a deviation of exactly 0.
    mean, std = pixels.mean(axis=0), pixels.std(axis=0)
    return mean, np.where(std == 0, 255.0, std)


def probabilities(logits):
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def figures(x, labels, weight, bias, penalty):
    logits = x @ weight.T + bias
    loss = -np.log(probabilities(logits)[np.arange(len(labels)), labels]).mean()
    cost = loss + penalty * (weight**2).sum()
    return {"loss": loss, "cost": cost, "accuracy": float((logits.argmax(axis=1) == labels).mean())}


def train(splits, run):
    (x, labels), validation = splits
    weight, bias = np.array(run["weight"]), np.array(run["bias"])
    eta, penalty, batch = run["eta"], run["lambda"], run["batch"]
    history = []
    for _ in range(run["epochs"]):
        for first in range(0, len(labels), batch):
            inputs, truth = x[first : first + batch], labels[first : first + batch]
            dlogits = probabilities(inputs @ weight.T + bias) - np.eye(len(bias))[truth]
            dweight = dlogits.T @ inputs / len(truth) + 2 * penalty * weight
            weight, bias = weight - eta * dweight, bias - eta * dlogits.mean(axis=0)
        history.append([figures(*split, weight, bias, penalty) for split in splits])
    logits = validation[0] @ weight.T + bias
    return {"weight": weight.ravel().tolist(), "bias": bias.tolist(), "history": history, "logits": logits.tolist()}


job = json.load(sys.stdin)
raw = [(np.array(job[name]["pixels"]), np.array(job[name]["labels"])) for name in ("train", "validation")]
mean, std = standardization(raw[0][0])
splits = [((pixels - mean) / std, labels) for pixels, labels in raw]
print(json.dumps([train(splits, run) for run in job["runs"]]))
