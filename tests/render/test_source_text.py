"""Empty lists: a tick only with proof, unknown with its reason, and what does not exist is neither."""

from __future__ import annotations

import pytest

from fragtui.model.node.source_state import AS_ROOT, NOT_SAVED, Sight, SourceState, kernel_log_state
from fragtui.render.source_text import (
    needs_root,
    no_denials,
    no_stuck_pods,
    pods_sight,
    root_lines,
    unseen,
)

KMSG_DENIED = "/dev/kmsg: operation not permitted"
KUBELET = SourceState("kubelet log", "live", "", "913 lines")
API = SourceState("API", "live", "", "23 pods listed")
NO_KUBELET = SourceState("kubelet log", "nothing", "no kubelet on this host: no process has its name")
NO_API = SourceState("API", "absent", "no credentials")
DENIED_LOG = SourceState("kubelet log", "refused", "the journal: no permission", remedy=AS_ROOT)
NEEDS_ROOT = "? unknown: the kubelet log needs root (the journal: no permission)"
LOOKING = "looking for the kubelet's log, the API and crictl…"
CRICTL = SourceState("crictl", "live", "", "4 sandboxes")


@pytest.mark.parametrize(
    ("log", "sight", "text"),
    [
        (None, Sight.PENDING, "reading the kernel log…"),
        (kernel_log_state(None, None, None), Sight.PENDING, "reading the kernel log…"),
        (
            kernel_log_state("syslog", None, ""),
            Sight.BLIND,
            "? unknown: the kernel log can't be read: syslog has no message of the kernel yet",
        ),
        (
            kernel_log_state("/dev/kmsg", None, "1,204 records since boot"),
            Sight.LOOKED,
            "✓ none in the kernel log: 1,204 records since boot",
        ),
        (
            kernel_log_state("journal", "a file can't be read", "7 records"),
            Sight.LOOKED,
            "✓ none in the part of the kernel log that was read: 7 records",
        ),
        (kernel_log_state("/dev/kmsg", None, None), Sight.LOOKED, "none in the kernel log"),
        (
            kernel_log_state("none", KMSG_DENIED, None, AS_ROOT),
            Sight.BLIND,
            f"? unknown: the kernel log needs root ({KMSG_DENIED})",
        ),
        (kernel_log_state("none", "no file", None), Sight.BLIND, "? unknown: the kernel log can't be read: no file"),
        (
            kernel_log_state(NOT_SAVED, "not among the saved files", None),
            Sight.BLIND,
            "? unknown: no kernel log among the saved files",
        ),
        (kernel_log_state(NOT_SAVED, None, None), Sight.BLIND, "? unknown: no kernel log in the recording"),
        (
            kernel_log_state("none", None, None),
            Sight.BLIND,
            "? unknown: the kernel log is switched off by --kernel-log none",
        ),
        (
            kernel_log_state("kern.log", "it is empty", ""),
            Sight.BLIND,
            "? unknown: the kernel log can't be read: it is empty",
        ),
    ],
)
def test_an_empty_list_of_denials_says_what_it_means(log: SourceState | None, sight: Sight, text: str) -> None:
    assert no_denials(log) == (sight, text)


@pytest.mark.parametrize(
    ("sources", "sight", "text"),
    [
        ((), Sight.PENDING, LOOKING),
        ((API, KUBELET), Sight.LOOKED, "✓ none by the API: 23 pods listed; kubelet log: 913 lines"),
        ((SourceState("kubelet log", "live", ""),), Sight.LOOKED, "none by the kubelet log"),
        ((NO_API, KUBELET), Sight.LOOKED, "✓ none by the kubelet log: 913 lines"),
        ((NO_API, NO_KUBELET), Sight.NOTHING, NO_KUBELET.cannot_tell),
        ((NO_API, NO_KUBELET, CRICTL), Sight.NOTHING, NO_KUBELET.cannot_tell),
        ((NO_API, DENIED_LOG), Sight.BLIND, NEEDS_ROOT),
        ((NO_API, DENIED_LOG, CRICTL), Sight.BLIND, NEEDS_ROOT),
        ((NO_API,), Sight.BLIND, "? unknown: the API can't be read: no credentials"),
        ((SourceState("API", "connecting", ""), DENIED_LOG), Sight.PENDING, LOOKING),
    ],
)
def test_an_empty_list_of_pods_says_what_it_means(sources: tuple[SourceState, ...], sight: Sight, text: str) -> None:
    assert no_stuck_pods(sources) == (sight, text)


@pytest.mark.parametrize("state", ["waiting", "absent", "refused", "off", "of a newer recording"])
def test_only_a_live_source_proves_that_there_is_none(state: str) -> None:
    assert pods_sight([SourceState("kubelet log", state, "x")]) is Sight.BLIND
    assert pods_sight([SourceState("crictl", "live", "", "4 sandboxes")]) is Sight.BLIND


def test_the_unseen_has_its_reason_and_the_command() -> None:
    log = kernel_log_state("none", KMSG_DENIED, None, AS_ROOT)
    denied, stuck = unseen(log, [NO_API, DENIED_LOG], "'/opt/my tools/fragtui'")
    assert (denied.what, denied.remedy) == ("denied requests", "sudo '/opt/my tools/fragtui'")
    assert denied.sentence == f"the kernel log needs root ({KMSG_DENIED})"
    assert (stuck.what, stuck.source, stuck.remedy) == ("stuck pods", "kubelet log", "sudo '/opt/my tools/fragtui'")
    assert unseen(log, None)[0].remedy == AS_ROOT
    assert unseen(kernel_log_state("/dev/kmsg", None, "1 record"), [KUBELET]) == ()
    assert unseen(None, None) == unseen(None, ()) == ()
    assert unseen(None, [NO_KUBELET, NO_API]) == ()


COMMAND = "/usr/local/bin/fragtui"
EVERYTHING = ("denied requests", "stuck pods", "migratetypes", "remedies")


@pytest.mark.parametrize("width", [58, 78, 118, 198])
@pytest.mark.parametrize("missing", [EVERYTHING, ("remedies",), ("stuck pods", "remedies")])
def test_the_note_about_root_has_the_whole_command_and_fits(missing: tuple[str, ...], width: int) -> None:
    rows = root_lines(missing, COMMAND, width, "Esc")
    assert 1 <= len(rows) <= 2
    text = " ".join(rows)
    assert f"sudo {COMMAND}" in text and "fragtui doctor" in text and "Not root" in text
    assert all(name in text for name in missing)
    assert all(len(row) <= width for row in rows) or missing == EVERYTHING
    assert root_lines((), COMMAND, width, "Esc") == ()


@pytest.mark.parametrize("width", [58, 78, 118, 198])
def test_the_note_is_one_row_beside_a_card_with_the_command(width: int) -> None:
    (row,) = root_lines(EVERYTHING, COMMAND, width, "Esc", in_card=True)
    assert row.startswith("Not root") and "sudo" not in row
    assert ("Esc" in row and len(row) <= width) or width == 58


def test_a_command_that_is_too_long_for_hints_is_alone_in_its_row() -> None:
    command = "/opt/" + "x" * 40 + "/fragtui"
    assert root_lines(EVERYTHING, command, 58, "Esc")[1] == f"sudo {command}"


def test_only_what_root_would_see_is_named() -> None:
    log = kernel_log_state("none", KMSG_DENIED, None, AS_ROOT)
    assert needs_root(log, [DENIED_LOG], "no permission (needs root)", "must be root: effective uid is 7") == EVERYTHING
    assert needs_root(log, [NO_KUBELET], None, None) == ("denied requests",)
    assert needs_root(kernel_log_state("none", "no file", None), None, "no such file", "--read-only") == ()
