"""Why a remedy can't run here, found by trial: opening a sysctl for writing and closing it again does nothing."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from fragtui.remedies.catalogue import COMPACT_MEMORY, PROACTIVENESS, V2_RECLAIM, Action, Remedy, RemedyStep
from fragtui.remedies.site_policy import forbidden_because
from fragtui.remedies.worker import open_kernel_file
from fragtui.sources.files.host_files import read_text
from fragtui.sources.host.identity import is_live
from fragtui.text import printable


def disabled_because(remedy: Remedy, root: Path, disabled_reason: str | None = None) -> str | None:
    """Return why `remedy` can't run on the node under `root`, or None if it can.

    `disabled_reason` is the caller's own reason against every write: "--read-only", "replaying a recording"; the site's
    policy comes next.
    The kernel checks the effective uid and the mount, not capabilities (fs/proc/proc_sysctl.c test_perm), so only a
    trial shows it.
    """
    if disabled_reason is not None:
        return disabled_reason
    if (reason := forbidden_because(remedy, root)) is not None:
        return reason
    if remedy.disabled_reason is not None:
        return remedy.disabled_reason
    return next((why for step in dict.fromkeys(remedy.steps) if (why := _why_not_step(step, root)) is not None), None)


def _why_not_step(step: RemedyStep, root: Path) -> str | None:
    if step.action is Action.SYNC:
        # sync(2) acts on this kernel for any root, so for saved files it would act on the wrong machine.
        return None if is_live(root) else f"{root}: saved files, not this kernel's /proc"
    path = step.target(root)
    if step.path == PROACTIVENESS and (now := read_text(root, step.path)) not in (None, step.text):
        # It is written again only to wake kcompactd: a value that was read earlier must not replace a newer one.
        return f"{path} has changed from {step.text} to {printable(now, 20)}"
    try:
        os.close(open_kernel_file(str(path), step.cgroup))
    except ValueError as error:
        return f"{path} is {error}" if "not a file" in str(error) else f"{path}: {error}"
    except OSError as error:
        return _reason(error, step, path)
    return None


def _reason(error: OSError, step: RemedyStep, path: Path) -> str:
    """Return an errno of the trial as a reason for an engineer."""
    if error.errno == errno.EROFS:
        return f"{path} is mounted read-only (a container's own /proc or /sys/fs/cgroup, or a mount with readOnly?)"
    if error.errno in (errno.EACCES, errno.EPERM):
        if (uid := os.geteuid()) != 0:
            return f"must be root: effective uid is {uid}"
        return f"{path}: denied even to root (user namespace or security module)"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        if not path.parent.is_dir():
            return f"{path.parent} does not exist"
        if path.name == V2_RECLAIM:
            return f"{path} does not exist: it needs kernel 5.19"
        if step.path == COMPACT_MEMORY or step.path.endswith("/compact"):
            return f"{path} does not exist: kernel without CONFIG_COMPACTION"
        return f"{path} does not exist"
    return f"{path}: {(error.strerror or str(error)).lower()}"
