"""``fragtui config``: the settings that hold now, each with where it comes from."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from fragtui.commands.cli.exit_status import Exit
from fragtui.commands.cli.messages import report_error
from fragtui.commands.cli.output_options import add_json
from fragtui.commands.cli.settings import SETTINGS_WITH_OPTION, keymap_of
from fragtui.commands.cli.source_options import add_interval, add_look_options
from fragtui.json_line import json_line
from fragtui.remedies.site_policy import SitePolicy, site_policies
from fragtui.sources.config.places import SITE_FILE, ConfigError, variable_of
from fragtui.sources.config.settings import Settings, read_settings

HELP = "print the settings that hold, each with where it comes from"
_NONE = {"allowed_remedies": "all", "idle_exit": "off"}
"""What a setting without a value means, if that is not the one of each moment."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the verb's own options."""
    add_interval(parser)
    add_look_options(parser)
    add_json(parser, "one JSON object")
    parser.epilog = (
        f"Precedence: option, variable ({variable_of('order')}, ...), $XDG_CONFIG_HOME/fragtui/config.toml "
        f"(~/.config), {SITE_FILE}; but what the site's file forbids, nothing allows"
    )


def run(args: argparse.Namespace) -> int:
    """Print them; return `Exit.UNAVAILABLE` if a file is not used."""
    policies = site_policies(args.root)
    settings = args.settings or read_settings()
    try:
        keymap_of(settings)
    except ConfigError as error:
        report_error(args, str(error))
        return Exit.USAGE
    values = _effective(args, settings, policies)
    if args.json:
        print(
            json_line(
                {"settings": {name: {"value": value, "from": source} for name, (value, source) in values.items()}}
            )
        )
    else:
        rows = [
            (name, _NONE.get(name, "-") if value is None else _words(value), source)
            for name, (value, source) in values.items()
        ]
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        for name, text, source in rows:
            print(f"{name:<{widths[0]}}  {text:<{widths[1]}}  {source}")
    problems = [policy.problem for policy in policies if policy.problem is not None]
    for problem in problems:
        report_error(args, f"no remedy runs: the site's policy can't be read: {problem}")
    return Exit.UNAVAILABLE if problems or settings.ignored else Exit.DONE


def _effective(
    args: argparse.Namespace, settings: Settings, policies: Iterable[SitePolicy]
) -> dict[str, tuple[object, str]]:
    """Return value and source of every setting: options over `settings`, and over both what the site forbids."""
    values = {name: (value.value, value.source) for name, value in settings.values.items()}
    for name in (*SETTINGS_WITH_OPTION, "read_only"):
        if hasattr(args, name):
            source = f"--{name.replace('_', '-')}" if name in args.named else settings.source(name)
            values[name] = (settings[name] or args.read_only if name == "read_only" else getattr(args, name), source)
    for policy in policies:
        if policy.read_only:
            values["read_only"] = (True, policy.path)
        if policy.typed:
            values["confirm"] = ("type", policy.path)
        if policy.allowed is not None:
            values["allowed_remedies"] = (policy.allowed, policy.path)
    return values


def _words(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(value) or "none"
    return str(value).lower() if isinstance(value, bool) else f"{value}"
