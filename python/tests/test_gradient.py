"""check_gradient finds right gradients right, and says of wrong ones what is wrong."""

import numpy as np
import pytest

import onelayer

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(20, 5))
Y = np.eye(3)[RANDOM.integers(0, 3, 20)]
W, B = 0.1 * RANDOM.normal(size=(3, 5)), 0.1 * RANDOM.normal(size=3)
LAMBDA = 0.1


def probabilities(W, b):
    s = X @ W.T + b
    e = np.exp(s - s.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def cost(parameters):
    W, b = parameters
    return -np.mean(np.log((probabilities(W, b) * Y).sum(1))) + LAMBDA * (W**2).sum()


def gradient(parameters):
    W, b = parameters
    g = (probabilities(W, b) - Y) / len(X)
    return g.T @ X + 2 * LAMBDA * W, g.sum(0)


def test_a_right_gradient_passes():
    found = onelayer.check_gradient(cost, gradient, [W, B])
    assert found.passed and found.checked == 18
    assert [criterion["failed"] for criterion in found.criteria] == [0, 0, 0]
    assert str(found).startswith("PASSED: 18 entries") and "The gradient is right" in found.advice
    best = found.steps["step"][found.steps["central"].argmin()]
    assert 1e-6 < best < 1e-3
    assert onelayer.check_gradient(cost, gradient([W, B]), [W, B], most=7).checked == 7


def test_one_wrong_entry_is_found():
    def wrong(parameters):
        dW, db = gradient(parameters)
        dW[1, 2] += 1e-5
        return dW, db

    found = onelayer.check_gradient(cost, wrong, [W, B])
    assert not found.passed and found.worst[0]["entry"] == (0, 1, 2)
    assert abs(found.worst[0]["error"] - 1e-5) < 1e-8
    assert "no step makes the error small" in found.advice
    assert "(0, 1, 2)" in str(found)


def test_what_people_forget_is_named():
    def scaled(parameters):
        return [len(X) * g for g in gradient(parameters)]

    assert "is 20 times what it should be" in onelayer.check_gradient(cost, scaled, [W, B]).advice

    def of_weights(W):
        return cost([W, B])

    def half_of_the_penalty(W):
        return gradient([W, B])[0] - LAMBDA * W

    found = onelayer.check_gradient(of_weights, half_of_the_penalty, W)
    assert "off by -0.1 times the parameters" in found.advice and len(found.worst[0]["entry"]) == 2


def test_a_bad_step_is_told_from_a_bad_gradient():
    for step in (1e-1, 1e-13):
        found = onelayer.check_gradient(cost, gradient, [W, B], step=step)
        assert not found.passed and found.advice.startswith("The step is to blame")


def test_float32_is_told_from_a_bad_gradient():
    found = onelayer.check_gradient(
        lambda w: np.float32((w**2).sum() + np.float32(1000)), lambda w: 2 * w, np.float32([0.3, -1.2, 0.01, 2.0])
    )
    assert not found.passed and "float32" in found.advice


def test_the_parameters_stay_as_they_are():
    before = W.tobytes()
    onelayer.check_gradient(cost, gradient, [W, B])
    assert W.tobytes() == before


@pytest.mark.parametrize(
    "change, message",
    [
        (dict(parameters=[W.astype(int), B]), "parameters: expected arrays of float64 or float32, found int64"),
        (dict(gradient=lambda p: [W]), r"gradient: expected the shapes of the parameters, \[\(3, 5\), \(3,\)\]"),
        (dict(step=0.0), "step: expected a finite number above 0, found 0"),
        (dict(eps=-1.0), "eps: expected a finite number above 0, found -1"),
        (dict(parameters=np.zeros(0)), "parameters: expected at least one, found none"),
    ],
)
def test_what_cannot_be_checked_is_told(change, message):
    arguments = dict(cost=cost, gradient=gradient, parameters=[W, B]) | change
    with pytest.raises((TypeError, ValueError), match=message):
        onelayer.check_gradient(**arguments)
