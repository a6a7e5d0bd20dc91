"""How many threads `n_jobs` means."""

import os


def threads(n_jobs: int | None) -> int:
    """None is what OMP_NUM_THREADS says, which joblib sets for its workers, or else every core that this process may use; -1
    is every core, -2 all but one."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if n_jobs is None:
        text = os.environ.get("OMP_NUM_THREADS", "")
        return max(1, min(cores, int(text))) if text.isdecimal() else cores
    if n_jobs == 0:
        raise ValueError("n_jobs: expected a number of threads, None or -1, found 0")
    return n_jobs if n_jobs > 0 else max(1, cores + 1 + n_jobs)
