"""What a start imports. It decides what a check costs, and how soon the first bars come (`tests/bench`)."""

import os
import re
import select
import subprocess
import sys
import time

from tests.support.host_tree import HostTree
from tests.support.places import REPOSITORY
from tests.support.terminal import Terminal

_IMPORT = re.compile(rb"import time: +\d+ \| +\d+ \| +([\w.]+)")
_REMEDIES = ("fragtui.remedies.service", "fragtui.remedies.guard", "fragtui.remedies.runner", "fragtui.model.remedy")
_LOGS = ("fragtui.logs.parser", "fragtui.kernel.gfp", "fragtui.kernel.reports.report", "fragtui.sources.kernel_log")
_PODS = ("fragtui.cluster", "fragtui.model.pods.stuck_pods", "fragtui.sources.pods", "fragtui.sources.saved")


def within(modules: set[str], packages: tuple[str, ...]) -> set[str]:
    """Return those of the modules that are one of the packages or inside one."""
    return {module for module in modules if f"{module}.".startswith(tuple(f"{package}." for package in packages))}


def imported(output: bytes) -> set[str]:
    return {name.decode() for name in _IMPORT.findall(output)}


def test_a_check_of_a_healthy_node_imports_only_what_it_prints(tree: HostTree) -> None:
    argv = [sys.executable, "-X", "importtime", "-m", "fragtui", "check", "--root", str(tree.root)]
    # Somebody's settings would bring what reads them.
    env = {name: value for name, value in os.environ.items() if not name.startswith("FRAGTUI_")}
    env["XDG_CONFIG_HOME"] = str(tree.root)
    done = subprocess.run(argv, check=True, capture_output=True, cwd=REPOSITORY, env=env)
    modules = imported(done.stderr)
    assert "fragtui.render.card.card" in modules and done.stdout
    heavy = (
        "asyncio",
        "dataclasses",
        "datetime",
        "inspect",
        "json",
        "logging",
        "shutil",
        "socket",
        "subprocess",
        "tempfile",
        "zoneinfo",
        "zlib",
    )
    assert not within(modules, (*heavy, "importlib.metadata", "rich", "textual"))
    assert not within(modules, ("fragtui.ui", "fragtui.remedies", "fragtui.sources.recording", "fragtui.sampler"))
    assert not within(modules, (*_LOGS[:3], *_PODS, "fragtui.model.remedy", "fragtui.model.failures"))


def test_the_help_imports_no_verb_whole() -> None:
    argv = [sys.executable, "-X", "importtime", "-m", "fragtui", "--help"]
    modules = imported(subprocess.run(argv, check=True, capture_output=True, cwd=REPOSITORY).stderr)
    assert "fragtui.commands.look.node_sources" in modules, "every verb is imported for its line"
    assert not within(modules, ("fragtui.sources.prometheus", "fragtui.model.fleet", "fragtui.render.fleet"))


def test_the_first_bars_wait_for_no_log_pod_or_remedy(tree: HostTree) -> None:
    term = Terminal([sys.executable, "-X", "importtime", "-m", "fragtui", "--root", str(tree.root)])
    end = time.monotonic() + 60
    try:
        # Read here, not by `until`: what comes after the bars may be imported.
        while b"Normal" not in term.written:
            assert select.select([term.fd], [], [], max(0.0, end - time.monotonic()))[0], "no bars within 60 s"
            term.written += os.read(term.fd, 4096)
    finally:
        term.close()
    before = term.written.partition(b"Normal")[0]
    assert b"\x1b[40;1H" not in before, "a frame without the bars was drawn first"
    modules = imported(before)
    assert "fragtui.ui.panels.sizes" in modules and "textual.app" in modules
    assert not within(modules, (*_REMEDIES, *_LOGS, *_PODS, "fragtui.sources.files.own_log", "fragtui.model.fleet"))
    later = ("fragtui.kernel.procfs.pagetypeinfo", "fragtui.render.remedy.forecast_text", "fragtui.render.report_page")
    assert not within(modules, (*later, "fragtui.ui.pages", "fragtui.ui.dialogs", "fragtui.ui.widgets.modal"))
    actions = tuple(f"fragtui.ui.screens.{name}" for name in ("saving", "remedy_controller"))
    assert not within(modules, (*actions, "fragtui.ui.widgets.page", "fragtui.output_file", "fragtui.remedies"))
    packing = ("fragtui.sources.recording.format", "fragtui.sources.recording.file_writer", "json")
    assert not within(modules, (*packing, "fragtui.sources.files.own_files"))
    late = tuple(f"fragtui.ui.panels.late.{name}" for name in ("consumers", "obstacles", "nodes"))
    assert not within(modules, (*late, "fragtui.sources.host.processes", "fragtui.model.node.consumers"))
    rooms = tuple(f"fragtui.{room}.tracing" for room in ("kernel", "model", "render", "sources"))
    assert not within(modules, (*rooms, "fragtui.ui.screens.trace_controller", "fragtui.model.state.not_logged"))
    assert not within(modules, ("fragtui.sources.host.cgroups", "fragtui.model.node.cgroup_memory"))
    assert not within(modules, ("psutil", "yaml", "urllib.request", "http", "_ssl"))
