"""The history of remedies in the audit log, and those whose outcome is unknown."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from fragtui.model.remedy.remedy_history import Episode, episodes, unknown_outcomes
from fragtui.remedies.audit.log import OLDER_LEFT_OUT, AuditLog
from fragtui.sources.files.host_files import read_text
from fragtui.sources.host.identity import boot_id


@dataclass(frozen=True, slots=True)
class AuditHistory:
    """Earlier remedies; `unknown` are those with an intent and no end whose process is gone."""

    history: tuple[Episode, ...]
    unknown: tuple[Episode, ...]
    problems: tuple[str, ...]


def read_history(audit: AuditLog, root: Path) -> AuditHistory:
    """Return the history. A remedy whose process is still alive, in this boot, runs and is not unknown."""
    reading = audit.read()
    history = episodes(reading.entries)
    boot = boot_id(root)
    unknown = tuple(
        episode for episode in unknown_outcomes(history) if not (episode.intent.boot == boot and _lives(episode, root))
    )
    older = (OLDER_LEFT_OUT,) if reading.left_out else ()
    return AuditHistory(history, unknown, (*older, *reading.problems))


def _lives(episode: Episode, root: Path) -> bool:
    """Return whether the process of that pid is still the one that asked: it must be older than the intent."""
    if episode.intent.pid == os.getpid():
        return True
    stat = read_text(root, f"proc/{episode.intent.pid}/stat")
    uptime = read_text(root, "proc/uptime")
    if not stat or not uptime:
        return False
    asked = episode.intent.boottime
    try:
        started = int(stat.rsplit(")", 1)[1].split()[19]) / os.sysconf("SC_CLK_TCK")
        now = float(uptime.split()[0])
    except (ValueError, IndexError):
        return False
    if asked is None:
        asked = now - (time.time() - episode.intent.time)
    return asked >= started - 1
