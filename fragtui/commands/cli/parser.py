"""The command line: one parser, and one module for each verb, imported only when the verb is called."""

from __future__ import annotations

import argparse
import contextlib
import errno
import importlib
import os
import sys
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from fragtui import __version__
from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error
from fragtui.commands.cli.settings import take_settings
from fragtui.commands.cli.suggestions import did_you_mean
from fragtui.commands.cli.verbs import COMMON, SCREEN, VERBS, Example, exit_text
from fragtui.sources.config.places import ConfigError
from fragtui.sources.host.tree import is_packed
from fragtui.text import bounded_int, printable, shortage

_VALUED = frozenset(
    ("--root", "--order", "--audit", "--interval", "--kernel-log", "--kubelet-log", "--kubeconfig", "--theme")
)
"""Options before the verb that take the next word as their value, even if it is the name of a verb."""
_ORDERS = {"guard": "that of the policy, else 4", "fleet": "3"}
"""The default target order of verbs that do not look at failures."""
_TIMES = ("--since", "--until")
_MAX_WIDTH = 120
"""Columns of help; longer lines are hard to read."""
_START = "Start here: sudo fragtui (the full screen), or fragtui check (this node in a few lines)."
_VERBS_TITLE = "verbs"
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
    """A parser that reports wrong usage in one line, and ends its help with examples."""

    usage_status: int = Exit.USAGE
    """Exit status of wrong usage; that of an unknown state for check, whose 2 means that the node is critical."""
    examples: tuple[Example, ...] = ()
    start = ""
    """The line under the description."""
    error_prog = ""
    """The command that errors name, if it is not `prog`: that of the verb, for an option before it."""

    plugin = False
    """Whether wrong usage is reported on standard output, in the form of monitoring plugins."""

    def error(self, message: str) -> NoReturn:
        if self.plugin:
            print(f"FRAGTUI UNKNOWN - {printable(message, 1000)}")
            self.exit(self.usage_status)
        prog = self.error_prog or self.prog
        self.exit(self.usage_status, f"{prog}: {printable(message, 1000)} (see {prog} --help)\n")

    def format_help(self) -> str:
        formatter = self._get_formatter()
        formatter.add_usage(self.usage, self._actions, self._mutually_exclusive_groups)
        formatter.add_text(self.description)
        formatter.add_text(self.start)
        verbs = [action for action in self._actions if isinstance(action, argparse._SubParsersAction)]
        sections = _by_group(verbs[0]) if verbs else {}
        sections |= {group.title: group._group_actions for group in self._action_groups if group.title != _VERBS_TITLE}
        for title, actions in sections.items():
            formatter.start_section(title)
            formatter.add_arguments(actions)
            formatter.end_section()
        formatter.add_text(self.epilog)
        return formatter.format_help() + examples_text(self.examples)

    def _check_value(self, action: argparse.Action, value: object) -> None:
        """Raise ArgumentError for a value that is no choice, in the words of the user."""
        if action.choices is None or value in action.choices:
            return
        word, known = printable(str(value), 60), [str(choice) for choice in action.choices]
        if isinstance(action, argparse._SubParsersAction) or action.dest == "topic":
            raise argparse.ArgumentError(None, f"unknown command '{word}'.{did_you_mean(word, VERBS)}")
        name = "/".join(action.option_strings)
        expected = f"expected {', '.join(known[:-1])} or {known[-1]}.{did_you_mean(word, known)}"
        raise argparse.ArgumentError(None, f"{name} {word}: {expected}".lstrip().removesuffix("."))


def _by_group(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> dict[str | None, list[argparse.Action]]:
    """Return the lines of the verbs in the help, by the group of each."""
    sections: dict[str | None, list[argparse.Action]] = {}
    for line in verbs._get_subactions():
        sections.setdefault(VERBS[line.dest].group, []).append(line)
    return sections


def examples_text(examples: tuple[Example, ...]) -> str:
    """Return the examples as the last section of a help."""
    if not examples:
        return ""
    return "\nexamples:\n" + "\n".join(f"  # {purpose}\n  {command}" for command, purpose in examples) + "\n"


def common_options(names: Sequence[str] = COMMON, *, verb: str | None = None) -> _Parser:
    """Return those of the common options, for before the verb or after this one.

    After the verb they have no default: it would replace the value given before the verb.
    """
    default = argparse.SUPPRESS if verb else None
    common = _Parser(add_help=False, argument_default=default, formatter_class=_Help)
    for name in names:
        if name == "root":
            common.add_argument("--root", type=_directory, metavar="DIR", help=_ROOT_HELP)
        elif name == "order":
            known = _ORDERS.get(verb or "", "that of the latest failures, if they are read; else 3")
            common.add_argument("--order", type=_order, metavar="K", help=f"target order (default: {known})")
        elif name == "read-only":
            common.add_argument("--read-only", action="store_const", const=True, help="run no remedy")
        else:
            common.add_argument("--audit", type=Path, metavar="FILE", help="audit log of remedies")
    if not verb:
        common.set_defaults(root=Path("/"), order=None, read_only=False, audit=None)
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


def build(argv: Sequence[str], *, whole: bool = False) -> _Parser:
    """Return the parser with the verb of `argv` configured and the other verbs as names; with `whole`, all of them.

    A verb's module is imported only if the verb is called or its help is printed.
    """
    verb = _verb_of(argv)
    common = common_options(COMMON if verb is None or whole else VERBS[verb].common)
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
        _module(SCREEN.module).configure(parser)
        parser.epilog = f"{exit_text(SCREEN)} fragtui help VERB has those of a verb."
        parser.start, parser.examples = _START, SCREEN.examples
        parser.set_defaults(run=_module(SCREEN.module).run, verb=None)
        if not asked_for_help and not _has_operand(argv):
            return parser  # A parser for each verb's name takes 2 ms of CPU.
    else:
        parser.error_prog = f"fragtui {verb}"
    # Without prog, argparse formats a usage line to derive it: a tenth of the CPU of a short run.
    verbs = parser.add_subparsers(title=_VERBS_TITLE, metavar="VERB", prog="fragtui")
    for name, entry in VERBS.items():
        if verb is not None and name != verb and not whole:
            continue
        module = _module(entry.module) if asked_for_help or name == verb else None
        if module is None:
            verbs.add_parser(name, add_help=False)
            continue
        child = verbs.add_parser(
            name,
            parents=[common_options(entry.common, verb=name)],
            help=module.HELP,
            formatter_class=_Help,
            allow_abbrev=False,
        )
        if name == verb == "check":
            parser.usage_status = child.usage_status = Exit.UNAVAILABLE
            parser.plugin = child.plugin = any(word.split("=")[0] == "--plugin" for word in argv)
        child.description = _sentence(module.HELP)
        child.set_defaults(run=module.run, verb=name)
        module.configure(child)
        child.epilog = f"{_sentence(child.epilog)} {exit_text(entry)}" if child.epilog else exit_text(entry)
        child.examples = entry.examples
    return parser


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Return the arguments of a command line; raise SystemExit after its help, or after a line about wrong usage."""
    argv = [*_with_relative_times(argv)]
    parser = build(argv)
    _refuse_unknown_options(parser, argv)
    try:
        # The guard's order is that of its policy, not a setting.
        guard = _verb_of(argv) == "guard"
        settings = take_settings([a for a in _actions(parser, argv) if not guard or a.dest != "order"], argv)
    except ConfigError as error:
        parser.exit(parser.usage_status, f"{parser.error_prog or parser.prog}: {error}\n")
    args, extra = parser.parse_known_args(argv)
    if extra:
        parser.error(f"unexpected argument '{extra[0]}'")
    args.settings = settings
    named = {word.split("=", 1)[0] for word in argv}
    args.named = {action.dest for action in _actions(parser, argv) if named.intersection(action.option_strings)}
    for why in settings.ignored if settings is not None else ():
        report_error(args, f"not used: {why}")
    return args


def _actions(parser: argparse.ArgumentParser, argv: Sequence[str]) -> list[argparse.Action]:
    """Return the options of fragtui and of the verb."""
    verb = _verb_of(argv)
    choices = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    return parser._actions + (choices[0][verb]._actions if verb is not None and choices else [])


def _with_relative_times(argv: Sequence[str]) -> Iterator[str]:
    """Yield the words with ``--since -1h`` as ``--since=-1h``: argparse would take the time for an option."""
    before = ""
    for word in argv:
        if before and word[:1] == "-" and word[1:2].isdigit():
            yield f"{before}={word}"
            before = ""
            continue
        if before:
            yield before
        before = word if word in _TIMES else ""
        if not before:
            yield word
    if before:
        yield before


def _refuse_unknown_options(parser: argparse.ArgumentParser, argv: Sequence[str]) -> None:
    """Report the first option that neither fragtui nor the verb has: argparse would take its value for the verb."""
    verb = _verb_of(argv)
    known = {option for action in _actions(parser, argv) for option in action.option_strings}
    for word in argv:
        if word == "--":
            return
        option = word.split("=", 1)[0] if word.startswith("--") else word[:2]
        if not word.startswith("-") or word == "-" or word[1].isdigit() or option in known:
            continue
        if verb is not None and option[2:] in COMMON:
            parser.error(f"option {option} means nothing to {verb}")
        parser.error(f"unknown option {printable(option, 60)}.{did_you_mean(option, known)}")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def _verb_of(argv: Sequence[str]) -> str | None:
    before = ""
    for word in argv:
        if word in VERBS and before not in _VALUED:
            return word
        before = word
    return None


def _has_operand(argv: Sequence[str]) -> bool:
    """Return whether a word is neither an option nor the value of one: it may be a verb, or a misspelt one."""
    return any(not word.startswith("-") and before not in _VALUED for before, word in pairwise(("", *argv)))


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"fragtui.commands.{name}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    _open_standard_streams()
    words = sys.argv[1:] if argv is None else list(argv)
    args = parse(words)
    try:
        with contextlib.ExitStack() as discarded:
            if getattr(args, "only_errors", False):
                nothing = discarded.enter_context(open(os.devnull, "w", encoding="utf-8"))
                discarded.enter_context(contextlib.redirect_stdout(nothing))
            status = int(args.run(args))
            sys.stdout.flush()
    except KeyboardInterrupt:
        return Exit.ABORTED
    except BrokenPipeError:
        _drop_output()
        return Exit.CLOSED
    except (OSError, RuntimeError, MemoryError) as error:
        if (lack := shortage(error)) is None:
            # A verb reports errors of the files it reads and writes; one without a file name is of standard output.
            if not isinstance(error, OSError) or error.filename is not None or error.errno not in _OUTPUT_ERRORS:
                raise
            _drop_output()
            lack = f"standard output: {(error.strerror or str(error)).lower()}"
        report_error(args, lack)
        return Exit.UNAVAILABLE if args.verb == "check" else Exit.FAILED
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
