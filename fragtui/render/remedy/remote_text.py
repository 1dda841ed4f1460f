"""The words about a remedy on a remote node: what is unknown before it, how it goes on, how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fragtui.model.remedy.effect import Effect
from fragtui.remedies.remote_run import RemoteEnd, RemoteResult, RemoteState
from fragtui.text import format_count, format_duration

_QUIET_SECONDS = 5.0
"""Seconds without a message after which the line says so; one comes each second."""


@dataclass(frozen=True, slots=True)
class RemoteNames:
    """The words for a node and a run on it."""

    node: str
    block: str
    """The size of a block of the target order."""
    history: str
    """The command that lists the remedies there."""
    abort_key: str


def not_streamed(effect: Effect) -> str:
    """Return what a local question has and a stream does not."""
    facts = ["waits for disks"]
    if effect.slab:
        facts += ["memory cgroups", "ZFS"]
    if effect.compact:
        facts.append("KSM")
    if effect.page_cache:
        facts.append("who holds the page cache")
    return f"over a stream: {', '.join(facts)}; whether root and the policy there allow it"


def remote_line(state: RemoteState, names: RemoteNames, now: float) -> tuple[str, str]:
    """Return the text and the style of the line about it at `now`, monotonic seconds."""
    title = f"{state.remedy.title} on {names.node}"
    if state.end is not None:
        return remote_sentence(state, names), "text" if state.end.result is RemoteResult.DONE else "bad"
    doing = "aborting" if state.aborting else f"{names.abort_key} aborts"
    quiet = now - state.heard
    silence = f", no message for {format_duration(quiet)}" if state.id is not None and quiet > _QUIET_SECONDS else ""
    since = format_duration(now - state.asked)
    age = since if state.id is not None else f"requested {since} ago"
    return f"⟳ {title}: {age}{silence}  ({doing})", "warn"


def remote_sentence(state: RemoteState, names: RemoteNames) -> str:
    """Return how it ended."""
    end, node = state.end, names.node
    assert end is not None
    why = end.why.rstrip(".")
    because = f": {why}" if why else ""
    if end.result is RemoteResult.DONE:
        return f"✓ {node}: {why}.{_blocks(end, names.block)}"
    if end.result is RemoteResult.OLD:
        return f"✗ Not run on {node}: the fragtui there is too old to run remedies for another screen{because}"
    if end.result is RemoteResult.REFUSED:
        return f"✗ Not run on {node}{because}"
    if end.result is RemoteResult.LOST:
        return f"✗ The link was lost{because}. {state.remedy.title} may still run on {node}; its end: {names.history}"
    if end.result is RemoteResult.UNANSWERED:
        return f"✗ No answer{because}. It is unknown whether {state.remedy.title} began on {node}: {names.history}"
    return f"✗ {node}: {why}."


def remote_running(state: RemoteState, node: str) -> str:
    """Return what leaving the screen does to it."""
    return f"{state.remedy.title} is running on {node}. Quitting aborts it; its end is in the audit log there."


def commands_of(command: str, note: str, writes: str) -> Sequence[str]:
    """Return the command that is run here, when it differs, and what it writes there."""
    return [command, *([f"({note})"] if note else []), *([f"there: {writes}"] if writes else [])]


def _blocks(end: RemoteEnd, block: str) -> str:
    if end.before is None or end.after is None:
        return ""
    return f" Blocks of {block}: {format_count(end.before)} → {format_count(end.after)}."
