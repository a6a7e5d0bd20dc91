# %% [markdown]
# # The lab in Python
#
# KTH's DD2424, Assignment 1: a one-layer network on CIFAR-10, in four runs. Cells of a notebook (Jupytext, VS Code, Spyder),
# and a script:
#
#     python examples/lab.py CIFAR_FOLDER
#
# With Matplotlib it also draws the curves and the templates.

# %%
import sys

import numpy as np

import onelayer
from onelayer import SoftmaxClassifier

cifar = onelayer.load_cifar(sys.argv[1])
(X, y), (X_test, y_test) = cifar.train, cifar.test
print(f"{len(X):,} training images of {X.shape[1]:,} bytes; classes: {', '.join(cifar.classes)}")

# %% [markdown]
# ## Is the gradient right?
#
# The cost and the gradient as one writes them in NumPy, and a check of every entry of W and b against central differences.

# %%
x = ((X[:20].astype(np.float64) / 255 - 0.5) / 0.25)[:, :200]
onehot, penalty = np.eye(10)[y[:20]], 0.1


def softmax(s):
    p = np.exp(s - s.max(1, keepdims=True))
    return p / p.sum(1, keepdims=True)


def cost(parameters):
    W, b = parameters
    return -np.log((softmax(x @ W.T + b) * onehot).sum(1)).mean() + penalty * (W**2).sum()


def gradient(parameters):
    W, b = parameters
    dlogits = (softmax(x @ W.T + b) - onehot) / len(x)
    return [dlogits.T @ x + 2 * penalty * W, dlogits.sum(0)]


random = np.random.default_rng(0)
print(onelayer.check_gradient(cost, gradient, [random.normal(0, 0.01, (10, 200)), np.zeros(10)]))

# %% [markdown]
# ## The four runs
#
# As the lab has them: batches of 100 in the order of the file, 40 epochs, a constant learning rate, no momentum.

# %%
LAB = dict(schedule="constant", momentum=0.0, batch_size=100, epochs=40, shuffle=False, init="normal")
RUNS = {"test1": (0.0, 0.1), "test2": (0.0, 0.001), "test3": (0.1, 0.001), "test4": (1.0, 0.001)}
models = {}
for name, (penalty, eta) in RUNS.items():
    model = SoftmaxClassifier(penalty=penalty, eta=eta, **LAB)
    models[name] = model.fit(X, y, validation=cifar.validation)
    history = model.history_
    print(
        f"{name}  lambda {penalty:<4} eta {eta:<6} test accuracy {model.score(X_test, y_test):.4f}"
        f"  loss: training {history['train_loss'][-1]:.4f}, validation {history['validation_loss'][-1]:.4f}"
    )

# %% [markdown]
# ## What this package would do
#
# Its defaults, with a penalty; then also with weights that are the same for a picture and its mirror image.

# %%
for words, more in [("the defaults", {}), ("and mirror", {"mirror": True})]:
    model = SoftmaxClassifier(penalty=0.03, epochs=5, **more).fit(X, y)
    print(f"{words}: test accuracy {model.score(X_test, y_test):.4f} after {model.n_iter_} epochs, eta {model.eta_:.2g}")

# %% [markdown]
# ## Figures

# %%
try:
    import matplotlib.pyplot as plt
except ImportError:
    sys.exit()

figure, axes = plt.subplots(1, 4, figsize=(16, 3.5), layout="constrained")
for axis, (name, model) in zip(axes, models.items(), strict=True):
    for split in ("train", "validation"):
        axis.plot(model.history_["epoch"], model.history_[f"{split}_loss"], label=split)
    axis.set(title=name, xlabel="epoch", ylabel="loss")
axes[0].legend()
figure.savefig("losses.png")

figure, axes = plt.subplots(1, 10, figsize=(16, 2), layout="constrained")
for axis, template, name in zip(axes, models["test4"].coef_, cifar.classes, strict=True):
    picture = template.reshape(3, 32, 32).transpose(1, 2, 0)
    axis.imshow((picture - picture.min()) / np.ptp(picture))
    axis.set(title=name, xticks=[], yticks=[])
figure.savefig("templates.png")
print("losses.png, templates.png")
