"""Progress of training, in terminals, notebooks and log files."""

import sys
from collections.abc import Callable
from typing import Any


class Progress:
    """A callback that shows each evaluation, and asks another one whether to stop."""

    def __init__(self, epochs: int, inner: Callable[[dict[str, Any]], object] | None) -> None:
        self.epochs = epochs
        self.inner = inner
        # A notebook returns to the beginning of a line as a terminal does.
        self.returns = sys.stderr.isatty() or "ipykernel" in sys.modules

    def __call__(self, record: dict[str, Any]) -> bool:
        words = [f"epoch {record['epoch']}/{self.epochs}"]
        for split in ("train", "validation"):
            loss, accuracy = record[f"{split}_loss"], record[f"{split}_accuracy"]
            if loss == loss:
                words.append(f"{split} loss {loss:.4f}, accuracy {accuracy:.4f}")
        last = record["epoch"] == self.epochs
        end = "\r" if self.returns and not last else "\n"
        print("   ".join(words), end=end, file=sys.stderr, flush=True)
        return bool(self.inner(record)) if self.inner is not None else False
