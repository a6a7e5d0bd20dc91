"""Progress of training, in terminals, notebooks and log files."""

import sys
from collections.abc import Callable
from typing import Any


class Progress:
    """A callback that shows each evaluation, and asks another one whether to stop."""

    def __init__(self, what: str, most: int, inner: Callable[[dict[str, Any]], object] | None) -> None:
        self.what, self.most = what, most
        self.inner = inner
        # A notebook returns to the beginning of a line as a terminal does.
        self.returns = sys.stderr.isatty() or "ipykernel" in sys.modules
        self.unfinished = False

    def __call__(self, record: dict[str, Any]) -> bool:
        words = [f"{self.what} {record['epoch']}/{self.most}"]
        for split in ("train", "validation"):
            loss, accuracy = record[f"{split}_loss"], record[f"{split}_accuracy"]
            if loss == loss:
                words.append(f"{split} loss {loss:.4f}, accuracy {accuracy:.4f}")
        last = record["epoch"] == self.most
        self.unfinished = self.returns and not last
        print("   ".join(words), end="\r" if self.unfinished else "\n", file=sys.stderr, flush=True)
        return bool(self.inner(record)) if self.inner is not None else False

    def end(self) -> None:
        """Leaves the line, where training ended before its last epoch."""
        if self.unfinished:
            print(file=sys.stderr, flush=True)
