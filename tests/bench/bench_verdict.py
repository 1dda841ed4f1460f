"""What the verdict says of a request, and what the kernel did: ``python -m tests.bench.bench_verdict [PAIRS...]``.

A file of pairs has JSON lines, as tests/lab/guest_pairs.py prints them; without one, those of the tests.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support.pairs import PAIRS, confusion, confusion_rows, read_pairs


def main(paths: list[str]) -> None:
    """Print the tables with all files and with fewer."""
    pairs = [pair for path in paths or [str(PAIRS)] for pair in read_pairs(Path(path))]
    for without in ((), ("pagetypeinfo",), ("zoneinfo",), ("zoneinfo", "pagetypeinfo", "meminfo")):
        title = f"without {', '.join(without)}" if without else "with all files"
        print(f"{len(pairs)} pairs, {title}", *confusion_rows(confusion(pairs, without)), "", sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
