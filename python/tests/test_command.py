"""The package and the command are the same: the same bits, each other's models."""

import numpy as np
import pytest
from conftest import command

import onelayer
from onelayer import SoftmaxClassifier, _onelayer

# The command's defaults.
COMMANDS = dict(
    penalty=0.0, eta=0.001, schedule="constant", momentum=0.0, batch_size=100, shuffle=False, init="normal"
)


@pytest.mark.parametrize("engine", ["simd", "fixed", "gemm"])
def test_the_weights_are_the_commands_bits(folder, images, tmp_path, engine):
    out = tmp_path / "run"
    command(
        *("train", "--data", folder, "--out", out, "--epochs", 2, "--engine", engine, "--lambda", 0.01),
        *("--shuffle", "--seed", 3, "--momentum", 0.5, "--no-report"),
    )
    settings = COMMANDS | dict(penalty=0.01, shuffle=True, random_state=3, momentum=0.5)
    ours = SoftmaxClassifier(epochs=2, engine=engine, **settings).fit(*images.train)
    theirs = _onelayer.Model.load(str(out / "model.safetensors"))
    for one, other in [
        (ours.coef_, theirs.weight),
        (ours.intercept_, theirs.bias),
        (ours.mean_, theirs.mean),
        (ours.scale_, theirs.std),
    ]:
        assert one.dtype == np.float32 and one.tobytes() == other.tobytes()


def test_the_history_is_the_commands(folder, images, tmp_path):
    command("train", "--data", folder, "--out", tmp_path / "run", "--epochs", 2, "--no-report")
    ours = SoftmaxClassifier(epochs=2, **COMMANDS).fit(*images.train, validation=images.validation)
    theirs = np.genfromtxt(tmp_path / "run" / "history.csv", delimiter=",", names=True)
    for split in ("train", "validation"):
        for name in ("loss", "cost", "accuracy"):
            assert ours.history_[f"{split}_{name}"].tolist() == theirs[f"{split}_{name}"].tolist()


def test_models_are_interchanged(folder, images, tmp_path):
    command("train", "--data", folder, "--out", tmp_path / "run", "--epochs", 1, "--no-report")
    theirs = onelayer.load(tmp_path / "run" / "model.safetensors")
    assert theirs.classes_.tolist() == images.classes
    X, y = images.test
    predicted = theirs.predict(X)
    found = command("evaluate", tmp_path / "run", "--data", folder, "--json").stdout
    assert f'"accuracy":{np.mean(predicted == np.array(images.classes)[y])}' in found.replace(" ", "")

    ours = SoftmaxClassifier(epochs=1).fit(*images.train)
    ours.save(tmp_path / "ours.safetensors")
    found = command("evaluate", tmp_path / "ours.safetensors", "--data", folder, "--json").stdout
    assert f'"accuracy":{ours.score(X, y)}' in found.replace(" ", "")


def test_the_commands_models_of_floats_are_models_of_floats(digits, tmp_path):
    X, y = digits
    for name, part in (("train", slice(1500)), ("validation", slice(1500, None)), ("test", slice(1500, None))):
        np.save(tmp_path / f"{name}_images.npy", X[part])
        np.save(tmp_path / f"{name}_labels.npy", y[part])
    words = ["--data", tmp_path, "--out", tmp_path / "run", "--epochs", 3, "--no-report"]
    command("train", *words, "--batch", 100)
    theirs = onelayer.load(tmp_path / "run" / "model.safetensors")
    ours = SoftmaxClassifier(epochs=3, **COMMANDS).fit(X[:1500], y[:1500])
    assert theirs.predict_proba(X).tobytes() == ours.predict_proba(X).tobytes()


def test_the_command_says_how_it_went(tmp_path):
    assert _onelayer.main(["info", "--json"]) == 0
    assert _onelayer.main(["train", "--eta", "fast"]) == 2
    assert _onelayer.main(["info", str(tmp_path / "nothing")]) == 1
