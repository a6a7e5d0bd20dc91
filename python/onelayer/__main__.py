"""The command `onelayer`, also as `python -m onelayer`."""

import sys

from . import _onelayer


def main() -> int:
    """Runs the command with the words of this process."""
    return _onelayer.main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
