"""The site's policy, and all ways around it that come to mind, on a node on which remedies really write."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import catalogue, compact_all, compact_node, drop_caches
from fragtui.remedies.escalation import EscalationStep
from fragtui.remedies.guard.loop import Guard
from fragtui.remedies.guard.policy import Policy
from fragtui.remedies.permission import disabled_because
from fragtui.remedies.site_policy import site_policies, typed_name, unconfirmed_because
from fragtui.sources.config.settings import REMEDY_NAMES
from tests.support.harmless_node import HarmlessNode, harmless_node
from tests.support.host_tree import HostTree
from tests.support.person import PAUSE
from tests.support.terminal import Terminal

DROP = drop_caches(1, sync=False)


def set_policy(root: Path, text: str, mode: int = 0o644) -> Path:
    path = root / "etc/fragtui/config.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def node(tmp_path: Path) -> Iterator[HarmlessNode]:
    with harmless_node(tmp_path) as node:
        yield node


def ran(node: HarmlessNode, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "fragtui", *words, "--root", str(node.root), "--audit", str(node.audit)]
    return subprocess.run(
        node.inside(command), capture_output=True, text=True, check=False, env=os.environ | environment, timeout=60
    )


def test_without_a_file_nothing_is_forbidden(tree: HostTree) -> None:
    assert site_policies(tree.root) == ()
    assert typed_name(tree.root) is None
    assert unconfirmed_because(tree.root, None) is None


def test_each_remedy_is_allowed_by_one_name(tree: HostTree) -> None:
    known = catalogue((0, 1), 20)
    allowed_by: dict[str, set[str]] = {}
    for name in REMEDY_NAMES:
        path = set_policy(tree.root, f'allowed_remedies = ["{name}"]')
        (policy,) = site_policies(tree.root)
        assert policy.path == str(path)
        allowed_by[name] = {remedy.id for remedy in known if policy.forbids(remedy) is None}
    assert allowed_by["sync"] == {"sync"}
    assert allowed_by["drop-caches-1"] == {"drop-caches-1", "sync-drop-caches-1"}
    assert allowed_by["compact"] == {"compact", "sync-compact"}
    assert allowed_by["compact-node"] == {f"{sync}compact-node-{node}" for sync in ("", "sync-") for node in (0, 1)}
    assert set.union(*allowed_by.values()) == {remedy.id for remedy in known}
    assert sum(map(len, allowed_by.values())) == len(known)
    set_policy(tree.root, "allowed_remedies = []")
    assert disabled_because(DROP, tree.root) == f"{path} allows only no remedy"


@pytest.mark.parametrize(
    ("text", "mode", "why"),
    [
        ("read_only = true", 0o666, "can be written by others than root (mode 0666)"),
        ("read_only = false", 0o664, "can be written by others than root (mode 0664)"),
        ("read_olny = true", 0o644, "line 1: read_olny: expected one of"),
        ("read_only = ", 0o644, "line 1: expected TOML"),
        ("confirm = 'never'", 0o644, "line 1: confirm: expected"),
        ("\xff", 0o644, "line 1: expected TOML"),
    ],
)
def test_a_policy_that_is_not_trusted_or_not_understood_lets_no_remedy_run(
    tree: HostTree, text: str, mode: int, why: str
) -> None:
    set_policy(tree.root, text, mode)
    for remedy in catalogue((0,), 20):
        reason = str(disabled_because(remedy, tree.root))
        assert reason.startswith("the site's policy can't be read: ")
        assert why in reason


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_policy_of_another_user_lets_no_remedy_run(tree: HostTree) -> None:
    path = set_policy(tree.root, "read_only = false")
    os.chown(path, 65534, -1)
    assert "belongs to uid 65534" in str(disabled_because(DROP, tree.root))
    path.unlink()
    path.symlink_to("other.toml")
    assert "a link to no file" in str(disabled_because(DROP, tree.root))
    path.with_name("other.toml").write_text("read_only = false")
    os.chown(path.with_name("other.toml"), 65534, -1)
    assert "belongs to uid 65534" in str(disabled_because(DROP, tree.root))


def test_a_policy_that_is_no_file_lets_no_remedy_run(tree: HostTree) -> None:
    (tree.root / "etc/fragtui/config.toml").mkdir(parents=True)
    assert "the site's policy can't be read" in str(disabled_because(DROP, tree.root))


START = """
import sys
from pathlib import Path
from fragtui.remedies.audit.log import AuditLog
from fragtui.remedies.catalogue import drop_caches
from fragtui.remedies.runner import RemedyRun, RunRefused, RunRequest
root, audit = map(Path, sys.argv[1:])
for typed in (None, "", "yes", "NODE-7", "node-7 x", "node-7"):
    try:
        running = RemedyRun.start(drop_caches(1, sync=False), root, AuditLog(audit), RunRequest("screen", typed=typed))
    except RunRefused as refused:
        print("node's name" in str(refused))
    else:
        print(running.wait(20).result.value)
"""


@pytest.mark.slow
def test_the_run_itself_asks_for_the_typed_name(node: HarmlessNode) -> None:
    """Whatever the caller forgot: the last step before the child process asks again."""
    set_policy(node.root, 'confirm = "type"')
    command = [sys.executable, "-c", START, str(node.root), str(node.audit)]
    done = subprocess.run(node.inside(command), capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 5 + ["done"]
    assert node.asked_for == ["drop-caches-1"]


def test_a_name_that_can_not_be_read_is_not_confirmed_by_nothing(tree: HostTree) -> None:
    set_policy(tree.root, 'confirm = "type"')
    assert unconfirmed_because(tree.root, "node-7") is None
    tree.put("proc/sys/kernel/hostname", "\n")
    assert typed_name(tree.root) == ""
    assert "can't be read" in str(unconfirmed_because(tree.root, ""))


ROUNDABOUT: tuple[dict[str, str], ...] = (
    {},
    {"FRAGTUI_READ_ONLY": "0", "FRAGTUI_CONFIRM": "ask", "FRAGTUI_ALLOWED_REMEDIES": "compact"},
    {"XDG_CONFIG_HOME": "USER"},
    {"HOME": "USER"},
)


@pytest.mark.slow
@pytest.mark.parametrize("text", ["read_only = true", 'allowed_remedies = ["sync"]', 'confirm = "type"'])
def test_no_option_variable_or_file_of_the_user_loosens_it_for_a_verb(
    node: HarmlessNode, tmp_path: Path, text: str
) -> None:
    set_policy(node.root, text)
    user = set_policy(tmp_path / "user", "read_only = false\n").parent
    (tmp_path / "user/.config").symlink_to(user.parent)
    for environment in ROUNDABOUT:
        variables = {name: value.replace("USER", str(user.parent)) for name, value in environment.items()}
        done = ran(node, "compact", "--yes", **variables)
        assert done.returncode == 3, done.stderr
        assert "compact not run: " in done.stderr
        assert str(node.root / "etc/fragtui/config.toml") in done.stderr or "node's name" in done.stderr
    assert node.asked_for == []
    assert node.written == {}


@pytest.mark.slow
def test_what_is_allowed_still_runs(node: HarmlessNode) -> None:
    set_policy(node.root, 'allowed_remedies = ["drop-caches-1"]')
    assert ran(node, "drop-caches", "1", "--yes").returncode == 0
    assert ran(node, "drop-caches", "3", "--yes").returncode == 3
    assert node.asked_for == ["drop-caches-1"]


@pytest.mark.slow
def test_the_typed_name_runs_it_and_nothing_else_does(node: HarmlessNode) -> None:
    set_policy(node.root, 'confirm = "type"')
    command = ["drop-caches", "--yes", "--root", str(node.root), "--audit", str(node.audit)]
    for answer, status in (("yes", 2), ("node-7", 0)):
        program = Terminal(node.inside([sys.executable, "-m", "fragtui", *command]))
        try:
            program.until("Type the node's name, node-7, to run it")
            program.pump(0.6)
            program.press(f"{answer}\r")
            assert program.wait() == status, program.text
        finally:
            program.close()
    assert node.asked_for == ["drop-caches-1"]


def test_a_guard_runs_only_what_is_allowed_and_nothing_that_must_be_typed(node: HarmlessNode) -> None:
    steps = (EscalationStep.SYNC, EscalationStep.PAGE_CACHE)
    log = AuditLog(node.audit)

    def guard_of() -> Guard:
        return Guard(Policy(steps=steps, dry_run=True), node.root, log, 0.0)

    for text, why in (
        ("read_only = true", "read_only in "),
        ('allowed_remedies = ["compact"]', "allows only compact"),
        ('confirm = "type"', "a guard asks nobody"),
    ):
        set_policy(node.root, text)
        guard = guard_of()
        try:
            assert why in str(guard.disabled_because)
        finally:
            guard.close()


@pytest.mark.slow
def test_a_guard_that_must_be_typed_does_not_start(node: HarmlessNode) -> None:
    set_policy(node.root, 'confirm = "type"')
    done = ran(node, "guard", "--once", "--blocks", "1000000", "--order", "9", "--every", "60s")
    assert (done.returncode, done.stdout) == (3, "")
    assert "a guard asks nobody" in done.stderr
    assert node.asked_for == []


@pytest.mark.by_hand
def test_the_screen_runs_a_remedy_after_the_typed_name_only(node: HarmlessNode) -> None:
    set_policy(node.root, 'confirm = "type"\nallowed_remedies = ["drop-caches-3", "drop-caches-1"]')
    with node.screen() as program:
        insist(program, "c", "Can't be run")
        ask(program)
        program.press("node-8")
        insist(program, "\r", "That is not node-7")
        program.press("\x1b")
        program.pump(0.5)
        assert node.asked_for == []
        ask(program)
        program.press("\x1b[200~node-7\x1b[201~")
        program.pump(1.5)
        insist(program, "\r", "pasted")
        program.press("\x1b")
        program.pump(0.5)
        assert node.asked_for == []
        ask(program)
        for key in "node-7":
            program.press(key)
            program.pump(PAUSE)
        for _ in range(8):
            program.press("\r" if node.asked_for == [] else "")
            program.pump(1.0)
        assert node.asked_for == ["drop-caches-3"], program.text


def ask(program: Terminal) -> None:
    """Press the key, and then the answer to the first question."""
    insist(program, "3", "y runs it")
    program.pump(0.8)
    insist(program, "y", "type node-7")
    program.pump(0.8)


def insist(program: Terminal, key: str, text: str) -> None:
    """Press a key until a text is on the screen: a busy machine may have it come together with other input."""
    for _ in range(8):
        program.pump(0.5)
        program.press(key)
        for _ in range(30):
            if text in program.text:
                return
            program.pump(0.1)
    raise AssertionError(f"{text!r} is not on the screen:\n{program.text}")


def test_a_policy_holds_for_this_machine_whatever_the_root(tmp_path: Path) -> None:
    """Run where /etc is another: a root without a policy must not help."""
    etc = tmp_path / "etc"
    (etc / "fragtui").mkdir(parents=True)
    (etc / "fragtui/config.toml").write_text("read_only = true")
    code = (
        "from pathlib import Path; from fragtui.remedies import permission, catalogue; "
        f"print(permission.disabled_because(catalogue.compact_node(0, sync=False), Path({str(tmp_path)!r})))"
    )
    script = f'mount --bind {etc} /etc && exec {sys.executable} -c "{code}"'
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no mount namespace here: {done.stderr}")
    assert done.stdout == "read_only in /etc/fragtui/config.toml\n"
    assert compact_node(0).id == "compact-node-0" and compact_all().id == "compact"
