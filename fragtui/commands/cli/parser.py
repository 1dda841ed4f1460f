"""The command line: one parser, and one module for each verb, imported only when the verb is called."""

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
    "doctor": "look.doctor",
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
"""Module below `fragtui.commands` of each verb. It has HELP, configure(parser) and run(args)."""


_VALUED = frozenset(
    ("--root", "--order", "--audit", "--interval", "--kernel-log", "--kubelet-log", "--kubeconfig", "--theme")
)
"""Options before the verb that take the next word as their value, even if it is the name of a verb."""
_MAX_WIDTH = 120
"""Columns of help; longer lines are hard to read."""
_UNKNOWN = 3
_ROOT_HELP = "root of the host, such as /host in a container, or of saved files: a support bundle, files of /proc"
_OUTPUT_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


class _Help(argparse.HelpFormatter):
    """Help as wide as the terminal, up to `_MAX_WIDTH`.

    argparse would import shutil to find the width, even if no help is printed: a tenth of the CPU of a short run.
    """

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    if width := bounded_int(os.environ.get("COLUMNS", "")):
        return min(width, _MAX_WIDTH)
    try:
        return min(os.get_terminal_size().columns or 80, _MAX_WIDTH)
    except OSError:
        return 80


class _Parser(argparse.ArgumentParser):
    """A parser that reports wrong usage in one line."""

    usage_status = 2
    """Exit status of wrong usage; 3 for check, whose 2 means that the node is critical."""
    plugin = False
    """Whether wrong usage is reported on standard output, in the form of monitoring plugins."""

    def error(self, message: str) -> NoReturn:
        if self.plugin:
            print(f"FRAGTUI UNKNOWN - {printable(message, 1000)}")
            self.exit(self.usage_status)
        self.exit(self.usage_status, f"{self.prog}: {printable(message, 1000)} (see {self.prog} --help)\n")


def common_options(*, after_verb: bool = False) -> _Parser:
    """Return the options that every verb takes, before the verb or after it.

    After the verb they have no default: it would replace the value given before the verb.
    """
    default = argparse.SUPPRESS if after_verb else None
    common = _Parser(add_help=False, argument_default=default, formatter_class=_Help)
    common.add_argument("--root", type=_directory, metavar="DIR", help=_ROOT_HELP)
    common.add_argument("--order", type=_order, metavar="K", help="target order (default: that of the latest failures)")
    common.add_argument("--read-only", action="store_const", const=True, help="run no remedy")
    common.add_argument("--audit", type=Path, metavar="FILE", help="audit log of remedies")
    if not after_verb:
        common.set_defaults(root=Path("/"), read_only=False)
    return common


def _directory(text: str) -> Path:
    path = Path(text)
    if path.is_dir():
        # Children run in another directory, and a path that leads to "/" is this node.
        return Path("/") if path.samefile("/") else path.absolute()
    if not path.is_file():
        why = "" if path.exists() else ", it does not exist"
        raise argparse.ArgumentTypeError(f"{text}: expected a directory{why}")
    raise argparse.ArgumentTypeError(f"{text}: expected a directory{_how_to_unpack(path)}")


def _how_to_unpack(path: Path) -> str:
    return f"; unpack it first: tar -xf {path.name}" if is_packed(path) else ", this is a file"


def _order(text: str) -> int:
    if not text.isdecimal() or int(text) > 30:
        raise argparse.ArgumentTypeError(f"{text}: expected an order, 0 to 30")
    return int(text)


def build(argv: Sequence[str], *, whole: bool = False) -> argparse.ArgumentParser:
    """Return the parser with the verb of `argv` configured and the other verbs as names; with `whole`, all of them.

    A verb's module is imported only if the verb is called or its help is printed.
    """
    common = common_options()
    verb = _verb_of(argv)
    asked_for_help = whole or (verb is None and any(word in ("-h", "--help") for word in argv))
    parser = _Parser(
        prog="fragtui",
        parents=[common],
        formatter_class=_Help,
        allow_abbrev=False,
        description="Memory fragmentation on this node, live: which requests and pods fail, and remedies.",
    )
    parser.add_argument("--version", action="version", version=f"fragtui {__version__}")
    if verb is None:
        _module("look.screen").configure(parser)
        parser.epilog = _sentence(parser.epilog or "")
        parser.set_defaults(run=_module("look.screen").run)
        if not asked_for_help and not any(not word.startswith("-") for word in argv):
            return parser
    # Without prog, argparse formats a usage line to derive it: a tenth of the CPU of a short run.
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
            parser.plugin = child.plugin = any(word.split("=")[0] == "--plugin" for word in argv)
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
        # A verb reports errors of the files it reads and writes; an error without a file name is of standard output.
        if not isinstance(error, OSError) or error.filename is not None or error.errno not in _OUTPUT_ERRORS:
            raise
        _drop_output()
        print(f"fragtui: standard output: {(error.strerror or str(error)).lower()}", file=sys.stderr)
        return _UNKNOWN if verb == "check" else 1
    return status


def _open_standard_streams() -> None:
    """Open /dev/null for each standard stream that is closed: else the next file opened would receive its output."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            # open(2) returns the lowest free descriptor, which is the closed one.
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def _drop_output() -> None:
    """Discard buffered output: Python flushes it at exit and would report the error again."""
    with contextlib.suppress(OSError, ValueError):
        devnull = os.open(os.devnull, os.O_WRONLY)
        os.dup2(devnull, sys.stdout.fileno())
        os.close(devnull)
