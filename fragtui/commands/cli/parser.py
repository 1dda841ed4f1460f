"""The command line: one parser, a verb a module, imported only when it is called."""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from fragtui import __version__
from fragtui.sources.host.tree import is_packed
from fragtui.text import bounded_int, printable, shortage

VERBS = {
    "check": "look.check",
    "report": "look.report",
    "export": "record.export",
    "explain": "look.explain",
    "gfp": "look.gfp",
    "drop-caches": "fix.drop_caches",
    "compact": "fix.compact",
    "guard": "fix.guard",
    "history": "look.history",
    "completion": "ship.completion",
    "man": "ship.man",
    "ship": "ship.ship",
    "record": "record.record",
    "replay": "record.replay",
}
"""Verb and module of `fragtui.commands`, each with HELP, configure(parser) and run(args)."""


_VALUED = frozenset(
    ("--root", "--order", "--audit", "--interval", "--kernel-log", "--kubelet-log", "--kubeconfig", "--theme")
)
"""Options before the verb whose next word is a value, whatever it looks like."""
_WIDEST = 120
"""Columns of help beyond which lines are hard to read."""
_UNKNOWN = 3
_ROOT_HELP = "the host's root as mounted (/host), or saved files: an unpacked support bundle, a few files of /proc"
_OUTPUT_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


class _Help(argparse.HelpFormatter):
    """Help as wide as the terminal, up to what reads well.

    Its width is found out here: argparse imports shutil for it even where no help is shown, which takes a tenth of a
    short run.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    told = os.environ.get("COLUMNS", "")
    if width := bounded_int(told):
        return min(width, _WIDEST)
    try:
        return min(os.get_terminal_size().columns or 80, _WIDEST)
    except OSError:
        return 80


class _Parser(argparse.ArgumentParser):
    """A parser that says in one line what is wrong."""

    usage_status = 2
    """Exit status of wrong usage; 3 for check, whose 2 says that the node is in trouble."""

    def error(self, message: str) -> NoReturn:
        self.exit(self.usage_status, f"{self.prog}: {printable(message, 1000)} (see {self.prog} --help)\n")


def common_options(*, after_verb: bool = False) -> _Parser:
    """Return the options that every verb takes.

    They stand before the verb or after it. What is not given after it has no default there: a default of the verb's
    own parser would take the place of what was given before.
    """
    default = argparse.SUPPRESS if after_verb else None
    common = _Parser(add_help=False, argument_default=default, formatter_class=_Help)
    common.add_argument("--root", type=_directory, metavar="DIR", help=_ROOT_HELP)
    common.add_argument("--order", type=_order, metavar="K", help="target order (default: that of the last failures)")
    common.add_argument("--read-only", action="store_const", const=True, help="no remedy can be run")
    common.add_argument("--audit", type=Path, metavar="FILE", help="the audit log of remedies")
    if not after_verb:
        common.set_defaults(root=Path("/"), read_only=False)
    return common


def _directory(text: str) -> Path:
    path = Path(text)
    if path.is_dir():
        # Children run in another folder, and "/" by any other name is this node itself.
        return Path("/") if path.samefile("/") else path.absolute()
    if not path.is_file():
        why = "" if path.exists() else ", it is not there"
        raise argparse.ArgumentTypeError(f"{text}: expected a directory{why}")
    raise argparse.ArgumentTypeError(f"{text}: expected a directory{_how_to_unpack(path)}")


def _how_to_unpack(path: Path) -> str:
    return f"; unpack it first: tar -xf {path.name}" if is_packed(path) else ", this is a file"


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
    parser = _Parser(
        prog="fragtui",
        parents=[common],
        formatter_class=_Help,
        allow_abbrev=False,
        description="Memory fragmentation on this node, live: what it breaks and what heals it.",
    )
    parser.add_argument("--version", action="version", version=f"fragtui {__version__}")
    if verb is None:
        _module("look.screen").configure(parser)
        parser.epilog = _sentence(parser.epilog or "")
        parser.set_defaults(run=_module("look.screen").run)
        if not asked_for_help and not any(not word.startswith("-") for word in argv):
            return parser
    # With its prog given, argparse formats no usage line to find it out: that alone imports a tenth of a short run.
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", prog="fragtui")
    for name, module_name in VERBS.items():
        if verb is not None and name != verb and not whole:
            continue
        module = _module(module_name) if asked_for_help or name == verb else None
        if module is None:
            verbs.add_parser(name, add_help=False)
            continue
        child = verbs.add_parser(
            name,
            parents=[common_options(after_verb=True)],
            help=module.HELP,
            formatter_class=_Help,
            allow_abbrev=False,
        )
        if name == verb == "check":
            parser.usage_status = child.usage_status = _UNKNOWN
        child.description = _sentence(module.HELP)
        child.set_defaults(run=module.run)
        module.configure(child)
        child.epilog = _sentence(child.epilog or "")
    return parser


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


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
    _open_standard_streams()
    words = sys.argv[1:] if argv is None else list(argv)
    args = build(words).parse_args(words)
    try:
        status = int(args.run(args))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _drop_output()
        return 141
    except (OSError, RuntimeError, MemoryError) as error:
        verb = _verb_of(words)
        if (lack := shortage(error)) is not None:
            print(f"fragtui{f' {verb}' if verb else ''}: {lack}", file=sys.stderr)
            return _UNKNOWN if verb == "check" else 1
        # What a verb reads and writes it answers for itself; without a name it was standard output.
        if not isinstance(error, OSError) or error.filename is not None or error.errno not in _OUTPUT_ERRORS:
            raise
        _drop_output()
        print(f"fragtui: standard output: {(error.strerror or str(error)).lower()}", file=sys.stderr)
        return _UNKNOWN if verb == "check" else 1
    return status


def _open_standard_streams() -> None:
    """Put /dev/null where a standard stream was closed: else the next file opened would get what is printed."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            # The lowest free descriptor is the closed one.
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def _drop_output() -> None:
    """Have what is still in the buffer go nowhere: Python flushes it at its end and would complain again."""
    with contextlib.suppress(OSError, ValueError):
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)
