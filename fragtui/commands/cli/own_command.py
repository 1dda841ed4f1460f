"""The command line of this program as the user can type it again, for words such as ``sudo /usr/local/bin/fragtui``."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from fragtui.text import printable


def own_command(arguments: Sequence[str] = ()) -> str:
    """Return the path of the running program, absolute and quoted for a shell, with these arguments.

    sudo looks a bare name up in a path of its own, which often lacks the folder of a user's programs.
    """
    program = Path(sys.argv[0]).absolute()
    words = [str(program)]
    if program.name == "__main__.py":  # python -m fragtui
        words = [sys.executable, "-m", "fragtui"]
    elif not os.access(program, os.X_OK):  # python fragtui.pyz
        words = [sys.executable, str(program)]
    return printable(shlex.join((*words, *arguments)), 1000)


def command_for_sudo(arguments: Sequence[str] = ()) -> str | None:
    """Return `own_command` if sudo would show more: None as root, and in a pod, whose image has no sudo."""
    if os.geteuid() == 0 or "KUBERNETES_SERVICE_HOST" in os.environ:
        return None
    return own_command(arguments)
