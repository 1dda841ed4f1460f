"""Where ``fragtui`` and ``python -m fragtui`` begin."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return its exit status."""
    from fragtui.commands.parser import main as run  # noqa: PLC0415

    return run()


if __name__ == "__main__":
    sys.exit(main())
