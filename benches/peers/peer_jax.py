"""JAX: an epoch and its evaluations are one compiled function, a scan over the batches."""

import jax
import jax.numpy as jnp

from job import BATCH, EPOCHS, ETA


def version():
    return jax.__version__


def prepare(data, initial):
    (x_train, y_train), (x_validation, y_validation), _ = [(jnp.asarray(x), jnp.asarray(y)) for x, y in data]
    batches = len(y_train) // BATCH
    assert batches * BATCH == len(y_train), "whole batches"
    x_batches, y_batches = x_train.reshape(batches, BATCH, -1), y_train.reshape(batches, BATCH)

    def losses(logits, y):
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1)[:, 0]

    def loss(parameters, x, y):
        weight, bias = parameters
        return losses(x @ weight.T + bias, y).mean()

    def step(parameters, batch):
        gradient = jax.grad(loss)(parameters, *batch)
        return jax.tree.map(lambda value, slope: value - ETA * slope, parameters, gradient), None

    def evaluate(parameters, x, y):
        weight, bias = parameters
        logits = x @ weight.T + bias
        return losses(logits, y).mean(), (logits.argmax(1) == y).mean()

    @jax.jit
    def epoch(parameters, x_batches, y_batches, x_train, y_train, x_validation, y_validation):
        parameters, _ = jax.lax.scan(step, parameters, (x_batches, y_batches))
        return parameters, evaluate(parameters, x_train, y_train), evaluate(parameters, x_validation, y_validation)

    def run():
        parameters = tuple(jnp.asarray(value) for value in initial)
        history = []
        for _ in range(EPOCHS):
            parameters, *metrics = epoch(
                parameters, x_batches, y_batches, x_train, y_train, x_validation, y_validation
            )
            history.append(metrics)
        return [tuple((float(loss), float(accuracy)) for loss, accuracy in metrics) for metrics in history]

    return run
