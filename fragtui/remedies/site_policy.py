"""The site's policy: what its file forbids, on this node and below ``--root``, whatever the user asks for.

`permission.disabled_because` and `RemedyRun.start` ask it, so every way to a write passes it: screen, verbs, guard. It
is read each time: a change holds at once, also for a guard that runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fragtui.remedies.catalogue import Remedy
from fragtui.sources.config.places import SITE_FILE, ConfigError
from fragtui.sources.config.settings import Value, checked
from fragtui.sources.config.toml_file import read_own_toml
from fragtui.sources.files.own_files import file_problem
from fragtui.sources.host.identity import node_name
from fragtui.text import printable


@dataclass(frozen=True, slots=True)
class SitePolicy:
    """What one file forbids."""

    path: str
    problem: str | None = None
    """Why the file can't be trusted or read: then no remedy runs, since what it forbids is unknown."""
    read_only: bool = False
    typed: bool = False
    """Whether each remedy needs the node's name typed."""
    allowed: tuple[str, ...] | None = None
    """The remedies that may run, None for all."""

    def forbids(self, remedy: Remedy) -> str | None:
        """Return why the remedy may not run, or None."""
        if self.problem is not None:
            return f"the site's policy can't be read: {self.problem}"
        if self.read_only:
            return f"read_only in {self.path}"
        if self.allowed is not None and _kind(remedy) not in self.allowed:
            return f"{self.path} allows only {', '.join(self.allowed) or 'no remedy'}"
        return None


def site_policies(root: Path) -> tuple[SitePolicy, ...]:
    """Return the policy of this machine and that of the node under `root`; none if there is no file."""
    roots = dict.fromkeys((Path("/"), root.resolve()))
    found = (_read(base, printable(str(base / SITE_FILE.relative_to("/")))) for base in roots)
    return tuple(policy for policy in found if policy is not None)


def forbidden_because(remedy: Remedy, root: Path) -> str | None:
    """Return why the site forbids the remedy on the node under `root`, or None."""
    return next((why for policy in site_policies(root) if (why := policy.forbids(remedy)) is not None), None)


def asks_typed_name(root: Path) -> bool:
    """Return whether the node's name must be typed before each remedy."""
    return any(policy.typed for policy in site_policies(root))


def typed_name(root: Path) -> str | None:
    """Return the name that must be typed before each remedy: empty if the node's is unknown, None if none is asked."""
    if not asks_typed_name(root):
        return None
    return printable((node_name(root) or "").strip())


def unconfirmed_because(root: Path, typed: str | None) -> str | None:
    """Return why a remedy that was confirmed by typing `typed` (None: nothing) may not run, or None."""
    name = typed_name(root)
    if name is None or (name and typed == name):
        return None
    if not name:
        return "the site's policy asks for the node's name, which can't be read"
    asks = "the site's policy asks for the node's name typed before each remedy"
    return asks if typed is None else f"{asks}; that is {name}"


def _read(root: Path, path: str) -> SitePolicy | None:
    try:
        file = read_own_toml(root, SITE_FILE)
        if file is None:
            return None
        values = checked(file, is_site=True)
    except OSError as error:
        return SitePolicy(path, printable(file_problem(error, path)))
    except ConfigError as error:
        return SitePolicy(path, str(error))
    off, ask, every = Value(False), Value("ask"), Value(None)
    return SitePolicy(
        path,
        read_only=values.get("read_only", off).value,
        typed=values.get("confirm", ask).value == "type",
        allowed=values.get("allowed_remedies", every).value,
    )


def _kind(remedy: Remedy) -> str:
    """Return the name of a remedy in a policy: without a sync first, and without the number of a NUMA node."""
    name = remedy.id.removeprefix("sync-")
    return "compact-node" if name.startswith("compact-node-") else name
