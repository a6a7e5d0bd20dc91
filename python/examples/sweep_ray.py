"""A sweep on the workers of a Ray cluster, each with a part of the runs, and one result.

    pip install ray
    python examples/sweep_ray.py CIFAR_FOLDER

It joins the cluster that RAY_ADDRESS names, or starts one here. The workers read the folder themselves: no images travel.
"""

import sys

import ray

import onelayer


@ray.remote(num_cpus=1)
def shard(folder: str, part: tuple[int, int]) -> onelayer.Swept:
    cifar = onelayer.load_cifar(folder)
    base = onelayer.SoftmaxClassifier(epochs=10, n_jobs=1)
    lists = dict(etas="1e-4..1e-2:6", penalties=[0.0, 0.01, 0.1])
    return onelayer.sweep(*cifar.train, base, **lists, validation=cifar.validation, shard=part)


def main() -> None:
    folder = sys.argv[1]
    count = 4
    swept = onelayer.merge_sweeps(ray.get([shard.remote(folder, (i, count)) for i in range(1, count + 1)]))
    best = swept.best_estimator
    print(f"{len(swept)} runs: {swept.best_params}, {swept.table['validation_accuracy'][0]:.4f} validated")
    print(f"test {best.score(*onelayer.load_cifar(folder).test):.4f}")


if __name__ == "__main__":
    main()
