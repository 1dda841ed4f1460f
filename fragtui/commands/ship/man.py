"""``fragtui man``: the man page, which argparse-manpage makes from the parser and the table of verbs."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator

from fragtui import __version__
from fragtui.commands.cli.exit_status import EXIT_MEANINGS, Exit
from fragtui.commands.cli.messages import report_error
from fragtui.commands.cli.parser import build
from fragtui.commands.cli.verbs import COMMON, SCREEN, VERBS
from fragtui.json_line import SCHEMA
from fragtui.remedies.catalogue import COMPACT_MEMORY, DROP_CACHES
from fragtui.sources.config.places import SITE_FILE, variable_of
from fragtui.sources.config.settings import DEFAULTS, SITE_ONLY, TABLES, THRESHOLDS

try:
    from argparse_manpage.manpage import Manpage
except ImportError:
    Manpage = None

HELP = "print the man page (fragtui man | man -l -)"
_USE = (
    "Without a verb it is the full-screen view. The options that a verb shares with it come before the verb or after."
)
_JSON = (
    f"Every JSON object printed is one line and has the number of its schema, {SCHEMA}. Within a schema fields are "
    "added, never renamed or removed, and keep their unit; unknown is null; readers ignore other fields. "
    "explain and history print one object for each incident or remedy, and nothing if there is none; report prints one "
    "with all of them, with the fields of check, the groups of failures and the pods."
)
_ENVIRONMENT = (
    ("NO_COLOR", "If it is set, nothing is printed in colour."),
    ("TERM, COLORTERM", "The colours of the terminal."),
    ("LC_ALL, LC_CTYPE, LANG", "Without UTF-8 there, signs are ASCII."),
    ("COLUMNS", "The width of the help."),
    ("XDG_CONFIG_HOME", "Where the user's settings are, instead of ~/.config."),
    ("CONTAINER_RUNTIME_ENDPOINT, CRI_CONFIG_FILE", "The container runtime, as for crictl."),
)
_VARIABLES = ", ".join(variable_of(name) for name in (*DEFAULTS, *TABLES) if name not in SITE_ONLY)
_VARIABLES_HELP = (
    "Settings, over those of the files; FRAGTUI_KEYS as in 'compact=C;guard=f5', FRAGTUI_THRESHOLDS as in "
    "'low_blocks=32;low_share=90'."
)
_FILES = (
    (
        "/var/log/fragtui/audit.jsonl",
        "What was written to the kernel, who asked for it, and the result; --audit names another file.",
    ),
    ("/run/fragtui", "Locks: one remedy and one guard at a time on a node."),
    ("/proc/buddyinfo, /proc/zoneinfo, /proc/pagetypeinfo", "The memory that is judged; the last one as root only."),
    (f"/{DROP_CACHES}, /{COMPACT_MEMORY}", "What remedies write, after a confirmation."),
    (
        str(SITE_FILE),
        "The site's settings and policy: read_only, confirm, allowed_remedies. Root's own file only. No other file, "
        "variable or option loosens the policy; if the file can't be read or trusted, no remedy runs.",
    ),
    (
        "$XDG_CONFIG_HOME/fragtui/config.toml (~/.config/fragtui/config.toml)",
        f"The user's settings: {', '.join(name for name in DEFAULTS if name not in SITE_ONLY)}, and a table [keys] of "
        f"keys by command; a table [thresholds]: {', '.join(name.partition('.')[2] for name in THRESHOLDS)}. The state "
        "is LOW with fewer blocks of the target order than low_blocks (16), or above low_share (95) percent of free "
        "memory in smaller pieces; RECOVERING ends recovering_seconds (300) after a remedy. Screen, replay, check, "
        "report and metrics follow.",
    ),
)
_SEE_ALSO = "proc(5), dmesg(1), journalctl(1), kubectl(1), crictl(1), drop_caches in the kernel's sysctl/vm.rst"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add no option: there is none."""


def run(args: argparse.Namespace) -> int:
    """Print the page, if argparse-manpage is installed."""
    if Manpage is None:
        report_error(args, "argparse-manpage is not installed: pip install 'fragtui[man]'")
        return Exit.FAILED
    print(_page(build((), whole=True)), end="")
    return Exit.DONE


def _page(parser: argparse.ArgumentParser) -> str:
    """Return the page in roff."""
    summary = (parser.description or "").rstrip(".")
    parser.epilog = None
    parser.description = f"{parser.description} {_USE}"
    # No text is wrapped here: a line that then begins with a dot would be a request to roff.
    parser.formatter_class = _unwrapped
    common = [f"--{name}" for name in COMMON]
    for verb in _verbs(parser):
        # The library prints a verb's help already, and not its epilog.
        verb.description = verb.epilog
        for action in verb._actions:
            if any(option in common for option in action.option_strings):
                action.help = argparse.SUPPRESS
    page = Manpage(parser, format="single-commands-section")
    page.section = 8
    page.manual = "System Administration"
    page.source = f"fragtui {__version__}"
    page.description = summary
    examples = [(command, purpose) for verb in (SCREEN, *VERBS.values()) for command, purpose in verb.examples]
    statuses = [(str(status.value), f"{all_} (check: {check})") for status, all_, check in EXIT_MEANINGS]
    for heading, text in (
        ("exit status", _definitions(statuses)),
        ("json output", _roff(_JSON)),
        ("environment", _definitions((*_ENVIRONMENT, (_VARIABLES, _VARIABLES_HELP)))),
        ("files", _definitions(_FILES)),
        ("examples", _definitions(examples)),
        ("see also", _roff(_SEE_ALSO)),
    ):
        page.add_section(heading, "=", text)
    return str(page)


def _definitions(pairs: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f".TP\n.B {_roff(term)}\n{_roff(text)}" for term, text in pairs)


def _roff(text: str) -> str:
    r"""Return a text that roff prints as it is; ``\&`` keeps a leading dot or quote from being a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace('"', "\\(dq")
    return f"\\&{escaped}" if escaped[:1] in {".", "\\"} else escaped


def _verbs(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.values()


def _unwrapped(prog: str) -> argparse.HelpFormatter:
    return argparse.HelpFormatter(prog, width=1 << 20)
