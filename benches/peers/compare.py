"""Runs the same job on onelayer and its peers, in turns, and prints one table with medians and ratios.

Every peer lives in a process of its own, which loads and warms up first and then runs when it is told to; so its
threads are its own, and one round holds one run of each. A peer whose losses differ from onelayer's is reported as
wrong, not as fast or slow.
"""

import argparse
import contextlib
import datetime
import fcntl
import importlib
import json
import multiprocessing
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import job

# Losses of order 2 after 40 epochs of float32, summed in different orders: they differ by some 1e-5.
LOSS_TOLERANCE = 1e-3
# Of 10,000 images, so many may be classified otherwise.
ACCURACY_TOLERANCE = 0.002


def onelayer(data, out, *options):
    """The record of one `onelayer train --no-report`."""
    settings = ["--batch", str(job.BATCH), "--seed", "0", "--out", str(out), "--overwrite", "--no-report"]
    command = [job.ONELAYER, "train", "--json", "--quiet", "--data", str(data), *settings, *options]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr.strip())
    return json.loads(done.stdout)


def initial_weights(data, scratch):
    """onelayer's own initial weights, from a model that was trained with a rate of 0."""
    onelayer(data, scratch / "initial", "--eta", "0", "--epochs", "1")
    content = (scratch / "initial" / "model.safetensors").read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    tensors = json.loads(content[8:end])

    def tensor(name):
        begin, stop = tensors[name]["data_offsets"]
        return np.frombuffer(content[end + begin : end + stop], "<f4").reshape(tensors[name]["shape"])

    return tensor("weight"), tensor("bias")


def worker(module, data, argument, pipe):
    """Prepares the jobs of a peer, says which they are, then runs the one that it is told to."""
    peer = importlib.import_module(module)
    jobs = peer.prepare(job.load(data), argument)
    jobs = jobs if isinstance(jobs, dict) else {"": jobs}
    for run in jobs.values():
        run()
    pipe.send((peer.version(), list(jobs)))
    with contextlib.suppress(EOFError):  # The pipe ends when everything is measured.
        while True:
            name = pipe.recv()
            start = time.perf_counter()
            reached = jobs[name]()
            pipe.send((time.perf_counter() - start, reached))


class Peer:
    """A library in a process of its own."""

    def __init__(self, name, module, data, argument):
        self.pipe, other = multiprocessing.Pipe()
        arguments = (module, data, argument, other)
        self.process = multiprocessing.Process(target=worker, args=arguments, daemon=True)
        self.process.start()
        other.close()
        version, self.jobs = self.pipe.recv()
        self.names = {job: " ".join(filter(None, (name, version, job))) for job in self.jobs}

    def run(self, which):
        self.pipe.send(which)
        return self.pipe.recv()


@contextlib.contextmanager
def locked(path):
    """Where measurements take turns on a machine, this one's."""
    if path is None:
        yield
        return
    with open(path, "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def verdict(reached, record):
    """Whether a peer did the job: the losses of onelayer after the last epoch, or its test accuracy."""
    if isinstance(reached, float):
        enough = reached >= record["test"]["accuracy"] - ACCURACY_TOLERANCE
        return f"test accuracy {reached:.4f}" + ("" if enough else ", not onelayer's")
    last = record["history"][-1]
    wanted = [(last[split]["loss"], last[split]["accuracy"]) for split in ("train", "validation")]
    same = len(reached) == job.EPOCHS and all(
        abs(loss - other_loss) <= LOSS_TOLERANCE and abs(accuracy - other_accuracy) <= ACCURACY_TOLERANCE
        for (loss, accuracy), (other_loss, other_accuracy) in zip(reached[-1], wanted)
    )
    losses = " and ".join(f"{loss:.5f}" for loss, _ in reached[-1])
    return f"losses {losses}" if same else f"WRONG: losses {losses}"


def cpu():
    with contextlib.suppress(OSError):
        for line in open("/proc/cpuinfo"):
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=job.ROOT, capture_output=True, text=True).stdout.strip()


def main():
    parser = argparse.ArgumentParser(description="onelayer and its peers on the same job")
    parser.add_argument("--torch", action="store_true", help="PyTorch too")
    parser.add_argument("--jax", action="store_true", help="JAX too")
    parser.add_argument("--data", default=job.DATA)
    parser.add_argument("--rounds", type=int, default=7, help="runs of each [default: 7]")
    parser.add_argument("--record", action="store_true", help="write benches/record/DATE-peers.json and .md")
    parser.add_argument("--lock", help="file whose lock is held while a round is timed")
    options = parser.parse_args()
    multiprocessing.set_start_method("spawn")

    modules = [("NumPy", "peer_numpy"), ("scikit-learn", "peer_sklearn")]
    modules += [("PyTorch", "peer_torch")] * options.torch + [("JAX", "peer_jax")] * options.jax
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        data = pathlib.Path(options.data).resolve()
        weights = initial_weights(data, scratch)
        run = ("--eta", str(job.ETA), "--epochs", str(job.EPOCHS))
        record = onelayer(data, scratch / "run", *run)
        simd = onelayer(data, scratch / "run", *run, "--engine", "simd")
        peers = []
        for name, module in modules:
            print(f"preparing {name}", file=sys.stderr)
            argument = record["test"]["accuracy"] - ACCURACY_TOLERANCE if module == "peer_sklearn" else weights
            peers.append(Peer(name, module, data, argument))
        rows = measure(options, data, scratch, (record, simd), peers)
    report(options, rows, record)


def measure(options, data, scratch, records, peers):
    """{name: {"seconds": [...], "result": text}}, onelayer's engines first."""
    rows, engines = {}, {}
    for record in records:
        engine, last = record["engine"], record["history"][-1]
        name = f"onelayer ({engine['name']}, {engine['isa']})"
        losses = " and ".join(f"{last[split]['loss']:.5f}" for split in ("train", "validation"))
        result = f"losses {losses}; test accuracy {record['test']['accuracy']:.4f}"
        rows[name] = {"seconds": [], "process": [], "result": result}
        engines[name] = engine["name"]
    record = records[0]
    for turn in range(options.rounds):
        print(f"round {turn + 1} of {options.rounds}", file=sys.stderr)
        with locked(options.lock):
            for own, engine in engines.items():
                start = time.perf_counter()
                settings = ("--eta", str(job.ETA), "--epochs", str(job.EPOCHS), "--engine", engine)
                run = onelayer(data, scratch / "run", *settings)
                rows[own]["process"].append(time.perf_counter() - start)
                rows[own]["seconds"].append(run["seconds"]["train"] + run["seconds"]["evaluate"])
            for peer in peers:
                for which, name in peer.names.items():
                    seconds, reached = peer.run(which)
                    row = rows.setdefault(name, {"seconds": [], "result": verdict(reached, record)})
                    row["seconds"].append(seconds)
    return rows


def report(options, rows, record):
    """Prints the table, and writes it down where asked to."""
    medians = {name: statistics.median(row["seconds"]) for name, row in rows.items()}
    own = next(iter(medians.values()))
    lines = ["| | median s | fastest | slowest | the first is | reached |", "|:--|--:|--:|--:|--:|:--|"]
    for name, row in rows.items():
        seconds = row["seconds"]
        ratio = "" if medians[name] == own else f"{medians[name] / own:.1f} x as fast"
        figures = " | ".join(f"{value:.3f}" for value in (medians[name], min(seconds), max(seconds)))
        lines.append(f"| {name} | {figures} | {ratio} | {row['result']} |")
    date = datetime.datetime.now(datetime.timezone.utc)
    machine = f"{cpu()}, {job.threads()} threads each, {platform.system()} {platform.machine()}"
    flags = "".join(f" --{flag}" for flag in ("torch", "jax") if getattr(options, flag))
    command = f"benches/peers/run{flags} --rounds {options.rounds}"
    changed = "" if not git("status", "--porcelain", "src", "Cargo.toml") else ", with changes"
    commit = git("rev-parse", "--short", "HEAD") + changed
    process = statistics.median(next(iter(rows.values()))["process"])
    dataset = record["dataset"]
    text = "\n".join(
        [
            f"{date:%Y-%m-%d}, commit {commit}: `{command}`",
            "",
            f"{machine}. {dataset['name']}, {dataset['train']:,} training and {dataset['validation']:,} validation"
            f" images; {job.EPOCHS} epochs, batches of {job.BATCH}, both splits evaluated after each epoch.",
            "",
            *lines,
            "",
            f"onelayer's whole process, from reading the files to writing the model, took {process:.3f} s.",
            "scikit-learn has no mini-batch softmax: it is timed to the same test accuracy, without any curve.",
            "",
        ]
    )
    print(text)
    if options.record:
        name = job.ROOT / "benches" / "record" / f"{date:%Y-%m-%d}-peers"
        name.with_suffix(".md").write_text(text)
        facts = {"date": date.isoformat(), "commit": commit, "command": command, "machine": machine}
        dump = json.dumps({**facts, "medians": medians, "rows": rows}, indent=2)
        name.with_suffix(".json").write_text(dump + "\n")
    if any(row["result"].startswith("WRONG") for row in rows.values()):
        sys.exit("a peer did not reach the same result")


if __name__ == "__main__":
    main()
