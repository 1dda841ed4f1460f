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
    "check": "check",
    "report": "report",
    "export": "export",
    "explain": "explain",
    "gfp": "gfp",
    "drop-caches": "drop_caches",
    "compact": "compact",
    "guard": "guard",
    "history": "history",
    "completion": "completion",
    "man": "man",
    "ship": "ship",
    "record": "record",
    "replay": "replay",
}
"""Verb and module of `fragtui.commands`, each with HELP, configure(parser) and run(args)."""


_VALUED = frozenset(
    ("--root", "--order", "--audit", "--interval", "--kernel-log", "--kubelet-log", "--kubeconfig", "--theme")
)
"""Options before the verb whose next word is a value, whatever it looks like."""


def common_options(*, after_verb: bool = False) -> argparse.ArgumentParser:
    """Return the options that every verb takes.

    They stand before the verb or after it. What is not given after it has no default there: a default of the verb's
    own parser would take the place of what was given before.
    """
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS if after_verb else None)
    common.add_argument("--root", type=_directory, metavar="DIR", help="the host's root as mounted, or saved files")
    common.add_argument("--order", type=_order, metavar="K", help="target order (default: that of the last failures)")
    common.add_argument("--read-only", action="store_const", const=True, help="no remedy can be run")
    common.add_argument("--audit", type=Path, metavar="FILE", help="the audit log of remedies")
    if not after_verb:
        common.set_defaults(root=Path("/"), read_only=False)
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


def build(argv: Sequence[str], *, whole: bool = False) -> argparse.ArgumentParser:
    """Return the parser with the verb of `argv` configured, and the others by name and help only; `whole`: all.

    Every verb's module is imported only where its help is shown: a verb starts without paying for the others.
    """
    common = common_options()
    verb = _verb_of(argv)
    asked_for_help = whole or (verb is None and any(word in ("-h", "--help") for word in argv))
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
        if module is None:
            verbs.add_parser(name, add_help=False)
            continue
        child = verbs.add_parser(name, parents=[common_options(after_verb=True)], help=module.HELP)
        child.description = module.HELP
        child.set_defaults(run=module.run)
        module.configure(child)
    return parser


def _verb_of(argv: Sequence[str]) -> str | None:
    before = ""
    for word in argv:
        if word in VERBS and before not in _VALUED:
            return word
        before = word
    return None


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
