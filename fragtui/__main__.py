"""The entry point of ``fragtui`` and ``python -m fragtui``."""

import sys

from fragtui.import_path import restrict_environment, restrict_imports

restrict_imports(__file__.rpartition("/")[0])
restrict_environment()


def main() -> int:
    """Run the command line and return its exit status."""
    from fragtui.commands.cli.parser import main as run  # noqa: PLC0415

    return run()


if __name__ == "__main__":
    sys.exit(main())
