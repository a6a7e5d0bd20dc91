"""A sweep on the workers of a Dask cluster, each with a part of the runs, and one result.

    python examples/sweep_dask.py CIFAR_FOLDER [SCHEDULER]

Without the address of a scheduler it starts two processes here. The workers read the folder themselves: no images travel.
"""

import sys

from dask.distributed import Client

import onelayer


def shard(folder: str, part: tuple[int, int]) -> onelayer.Swept:
    cifar = onelayer.load_cifar(folder)
    base = onelayer.SoftmaxClassifier(epochs=10, n_jobs=1)
    lists = dict(etas="1e-4..1e-2:6", penalties=[0.0, 0.01, 0.1])
    return onelayer.sweep(*cifar.train, base, **lists, validation=cifar.validation, shard=part)


def main() -> None:
    folder, *address = sys.argv[1:]
    with Client(*address) if address else Client(n_workers=2, threads_per_worker=1) as client:
        count = 4
        parts = client.map(lambda index: shard(folder, (index, count)), range(1, count + 1))
        swept = onelayer.merge_sweeps(client.gather(parts))
    best = swept.best_estimator
    print(f"{len(swept)} runs: {swept.best_params}, {swept.table['validation_accuracy'][0]:.4f} validated")
    print(f"test {best.score(*onelayer.load_cifar(folder).test):.4f}")


if __name__ == "__main__":
    main()
