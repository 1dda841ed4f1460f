"""The command line: one parser, a verb a module, imported only when it is called."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from fragtui import __version__

VERBS = {
    "explain": "explain",
    "gfp": "gfp",
    "drop-caches": "drop_caches",
    "compact": "compact",
    "guard": "guard",
    "history": "history",
}
"""Verb and module of `fragtui.commands`, each with HELP, configure(parser) and run(args)."""


def common_options() -> argparse.ArgumentParser:
    """Return the options that every verb takes."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--root", type=_directory, default=Path("/"), metavar="DIR", help="the host's root as mounted, or saved files"
    )
    common.add_argument("--order", type=_order, metavar="K", help="target order (default: that of the last failures)")
    common.add_argument("--read-only", action="store_true", help="no remedy can be run")
    common.add_argument("--audit", type=Path, metavar="FILE", help="the audit log of remedies")
    return common


def _directory(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text}: expected a directory")
    return path


def _order(text: str) -> int:
    if not text.isdecimal() or int(text) > 30:
        raise argparse.ArgumentTypeError(f"{text}: expected an order, 0 to 30")
    return int(text)


def build(argv: Sequence[str]) -> argparse.ArgumentParser:
    """Return the parser with the verb of `argv` configured, and the others by name and help only.

    Every verb's module is imported only where its help is shown: a verb starts without paying for the others.
    """
    common = common_options()
    verb = next((word for word in argv if word in VERBS), None)
    asked_for_help = verb is None and any(word in ("-h", "--help") for word in argv)
    parser = argparse.ArgumentParser(
        prog="fragtui",
        parents=[common],
        description="Memory fragmentation on this node, live: what it breaks and what heals it.",
    )
    parser.add_argument("--version", action="version", version=f"fragtui {__version__}")
    if verb is None:
        _module("screen").configure(parser)
        parser.set_defaults(run=_module("screen").run)
        if not asked_for_help and not any(not word.startswith("-") for word in argv):
            return parser
    verbs = parser.add_subparsers(title="verbs", metavar="VERB")
    for name, module_name in VERBS.items():
        module = _module(module_name) if asked_for_help or name == verb else None
        child = verbs.add_parser(name, parents=[common], help=module.HELP if module else None)
        if module:
            child.description = module.HELP
            child.set_defaults(run=module.run)
            module.configure(child)
    return parser


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"fragtui.commands.{name}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    words = sys.argv[1:] if argv is None else list(argv)
    args = build(words).parse_args(words)
    try:
        return int(args.run(args))
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 141
