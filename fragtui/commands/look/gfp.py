"""``fragtui gfp``: the flag names of an allocation mask."""

from __future__ import annotations

import argparse
import json
import re
import sys

from fragtui.kernel.gfp.flags import GfpReading, GfpTable, decode, is_plausible, mask_names, table_for
from fragtui.kernel.procfs.version import parse_version
from fragtui.sources.kernel_log.ring import running_gfp_table, running_release
from fragtui.text import printable

HELP = "decode an allocation mask such as 0x40cc0, or names into a mask"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    parser.add_argument("mode", metavar="MODE", help="the mask as a report prints it (0x140cca), or names joined by |")
    parser.add_argument("--kernel", metavar="V", help="the release that printed it (default: the running kernel)")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.epilog = "exit status: 0 decoded, 2 neither a mask nor names of flags, or wrong usage"


def run(args: argparse.Namespace) -> int:
    """Print the names; return 0, or 2 if the mode or the release can't be parsed."""
    table, source, problem = _table(args)
    if problem is not None:
        print(f"fragtui gfp: {problem}", file=sys.stderr)
        return 2
    mask = _mask(args.mode, table)
    if mask is None:
        print(
            f"fragtui gfp: {printable(args.mode)}: expected a number such as 0x40cc0, or flag names joined by |",
            file=sys.stderr,
        )
        return 2
    reading = GfpReading(mask_names(mask, table), "decoded", table) if table is not None else decode(mask, None, None)
    doubtful = table is not None and not is_plausible(mask, table)
    candidates = reading.candidates or (decode(mask, None, None).candidates if doubtful else ())
    if args.json:
        print(json.dumps(_json(mask, reading, source, doubtful, candidates)))
        return 0
    if reading.names is not None:
        print(f"{mask:#x} on {source}: {'|'.join(reading.names) or 'no flags'}")
        print(_meaning(mask, reading.table))
    if doubtful or reading.names is None:
        rows = candidates or _settled(mask)
        doubt = "That kernel does not use this combination" if doubtful else "The kernel is unknown"
        if rows:
            print(f"{doubt}; more likely the mask is:" if doubtful else f"{doubt}; the mask may be:")
        else:
            print(f"{doubt}; no kernel's table gives every bit of it a name.")
        for kernels, names in rows:
            print(f"  {kernels}: {'|'.join(names)}")
    return 0


def _table(args: argparse.Namespace) -> tuple[GfpTable | None, str, str | None]:
    """Return the flag table, its kernel, and what is wrong with the given release."""
    if args.kernel is not None:
        version = parse_version(args.kernel)
        if version is None:
            return None, "", f"{args.kernel}: expected a release such as 4.19 or 3.10.0-1160.el7"
        return table_for(version), args.kernel, None
    release = running_release(args.root)
    if (own := running_gfp_table(args.root)) is not None:
        return own, f"this kernel ({release})", None
    version = parse_version(release) if release else None
    return (table_for(version) if version else None), release or "an unknown kernel", None


def _mask(text: str, table: GfpTable | None) -> int | None:
    if re.fullmatch(r"0[xX][0-9a-fA-F]+", text):
        value = int(text, 16)
    elif re.fullmatch(r"[0-9]{1,20}", text):
        value = int(text)
    else:
        value = 0
        for name in text.replace(" ", "").split("|"):
            bits = table.mask_of(name) if table is not None else None
            if bits is None:
                return None
            value |= bits
    return value if 0 <= value < 1 << 64 else None


def _settled(mask: int) -> tuple[tuple[str, tuple[str, ...]], ...]:
    reading = decode(mask, None, None)
    return ((reading.table.title, reading.names),) if reading.table is not None and reading.names is not None else ()


def _meaning(mask: int, table: GfpTable | None) -> str:
    if table is None:
        return ""
    if mask & table.direct_reclaim:
        meaning = "It may wait: the kernel reclaims and compacts memory before the request fails."
    else:
        meaning = "It can't wait: the kernel neither reclaims nor compacts memory for it."
    for name, text in (
        ("__GFP_NORETRY", " The kernel gives up early: its caller has a fallback."),
        ("__GFP_RETRY_MAYFAIL", " It may fail after several tries: its caller has a fallback."),
        ("__GFP_NOFAIL", " The kernel retries until it succeeds."),
    ):
        if mask & table.bits.get(name, 0):
            meaning += text
    return meaning


def _json(
    mask: int,
    reading: GfpReading,
    source: str,
    doubtful: bool,
    candidates: tuple[tuple[str, tuple[str, ...]], ...],
) -> dict[str, object]:
    table = reading.table
    return {
        "mode": f"{mask:#x}",
        "gfp": None if reading.names is None else list(reading.names),
        "kernel": source,
        "plausible": not doubtful if table is not None else None,
        "may_wait": bool(mask & table.direct_reclaim) if table is not None else None,
        "candidates": [{"kernels": kernels, "gfp": list(names)} for kernels, names in candidates],
    }
