"""Who holds the page cache: the cgroups with most of it, named by pod."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.cluster.pod_ref import cgroup_owner
from fragtui.model.node.cgroup_memory import CgroupMemories, CgroupMemory
from fragtui.model.pods.pod_update import PodUpdate
from fragtui.model.remedy.zone_capacity import page_cache
from fragtui.render.numbers import share_words, short_bytes, span_words
from fragtui.text import counted
from fragtui.ui.clock import CLOCK
from fragtui.ui.session import Session
from fragtui.ui.widgets.cells import bar_cells, fit, fit_name, fit_right, wrap
from fragtui.ui.widgets.rows import Line, Span, bar_tones, line

_SIZE, _SHARE, _BAR = 8, 7, 22
_WITH_BAR = 100
"""Cells from which on bars are shown."""
_CONTAINER_DIGITS = 12
"""Digits of a container's id, as its tools print it."""


def cgroup_name(cgroup: CgroupMemory, pods: PodUpdate | None) -> str:
    """Return the pod of a cgroup, else its container, else its path."""
    owner = cgroup_owner(cgroup.path)
    if owner is None or (owner.uid is None and owner.container_id is None):
        return cgroup.path
    if owner.uid is None:
        return f"container {(owner.container_id or '')[:_CONTAINER_DIGITS]}"
    pod = pods.pod_of(cgroup.path) if pods else None
    return str(pod) if pod else f"pod {owner.uid}"


def cgroup_lines(session: Session, width: int) -> Sequence[Line]:
    """Return the page: the cgroups with most page cache first, what is unknown and why, the cost of the reading."""
    found = session.cgroups
    if found is None:
        return [line(("Reading the cgroups…", "muted"))]
    lines = [line((row, "warn")) for row in wrap(f"? {found.why}", width, 4)] if found.why else []
    if found.cgroups:
        lines += [*holder_lines(found, session, width), line()]
        key = session.key("reclaim-pod")
        notes = [_sum_words(found, session), f"{key} reclaims the page cache of one of them."]
        notes += [f"Slab is unknown: {found.slab_unknown}."] if found.slab_unknown else []
        lines += [line((row, "text")) for note in notes for row in wrap(note, width, 3)]
    if not found.looked_at:
        return lines
    cost = f"{counted(found.looked_at, 'cgroup')} read in {found.seconds * 1000:.1f} ms ({found.cpu * 1000:.1f} ms of "
    cost += f"CPU), {span_words(CLOCK.now() - found.at)} ago; only this key and the dialogs of remedies read them."
    return [*lines, *(line((row, "muted")) for row in wrap(cost, width, 3))]


def beside_lines(session: Session, width: int) -> list[Line]:
    """Return the largest holders for a dialog, or why they are unknown."""
    found = session.cgroups
    if found is None or not found.cgroups:
        why = "reading the cgroups…" if found is None else f"? who holds the page cache is unknown: {found.why}"
        return [line((row, "muted")) for row in wrap(why, width, 2)]
    ago = span_words(CLOCK.now() - found.at)
    key = session.key("page-cache")
    return [
        line((f"Page cache by cgroup, {ago} ago; {key} shows all", "muted")),
        *holder_lines(found, session, width, 3),
    ]


def holder_lines(found: CgroupMemories, session: Session, width: int, most: int | None = None) -> list[Line]:
    """Return the header and at most `most` rows, the largest holder first."""
    with_bar = width >= _WITH_BAR
    room = width - 3 * _SIZE - _SHARE - 2 - (_BAR if with_bar else 0)
    titles = (("page cache", 12), ("dirty", _SIZE), ("slab", _SIZE), ("share", _SHARE))
    head = "".join(fit_right(name, cells) for name, cells in titles)
    lines = [line((fit("pod or cgroup", room - 2) + head, "muted"))]
    whole = max(1, page_cache(session.snapshot.meminfo) or 0) if session.snapshot else max(1, found.cache)
    for cgroup in found.cgroups[:most]:
        share = min(1.0, cgroup.cache / whole)
        numbers = fit_right(short_bytes(cgroup.cache), 10) + fit_right(_size(cgroup.dirty), _SIZE)
        numbers += fit_right(_size(cgroup.slab), _SIZE) + fit_right(share_words(round(share * 1000)), _SHARE)
        spans: list[Span] = [(fit_name(cgroup_name(cgroup, session.pods), room), "text"), (numbers, "strong")]
        if with_bar:
            cells = bar_cells(share, _BAR - 2)
            spans += [("  ", "text"), (bar_tones().kept * cells, "bar")]
        lines.append(line(*spans))
    return lines


def _size(size: int | None) -> str:
    return "?" if size is None else short_bytes(size)


def _sum_words(found: CgroupMemories, session: Session) -> str:
    node = page_cache(session.snapshot.meminfo) if session.snapshot else None
    listed = short_bytes(sum(cgroup.cache for cgroup in found.cgroups))
    return f"{listed} listed, {short_bytes(found.cache)} in all cgroups, " + (
        "an unknown amount on the node." if node is None else f"{short_bytes(node)} on the node."
    )
