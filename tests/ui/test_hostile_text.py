"""Text from outside is shown, never obeyed: in every place of the screen that shows any."""

import re
from pathlib import Path

import pytest

from tests.support.host_tree import HostTree
from tests.support.screen import lines_of, make_app, running, text_of, until

HOSTILE = [
    "runc:[1:CHILD]",
    "[kworker/0:1]",
    "[/red]",
    "x[/b]",
    "[red]",
    "$primary",
    "a\x1b]0;PWNED\x07",
    "a\x1b[31m",
    "\x9b31m",
    "a\tb",
    "\u202egnp.exe",
    "中文进程",
    "x" * 300,
    "…é\u0301",
]
OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def kernel_line(comm: str, number: int) -> str:
    # As a syslog file has it: control bytes are not escaped there.
    return (
        f"Nov 24 10:00:{number % 60:02d} node-7 kernel: [{1000 + number}.000000] {comm}: page allocation failure: "
        "order:5, mode:0x40cc0(GFP_KERNEL|__GFP_COMP), nodemask=(null),cpuset=/,mems_allowed=0\n"
    )


def kubelet_line(name: str, number: int) -> str:
    return (
        f"Nov 24 10:01:{number % 60:02d} node-7 kubelet[77]: E1124 10:01:{number % 60:02d}.000000      77 "
        'pod_workers.go:1301] "Error syncing pod, skipping" err="failed to \\"CreatePodSandbox\\" for '
        f'\\"{name}_default(7607f6d7-91e1-4dbd-b957-c0d7b101de2e)\\" with CreatePodSandboxError: \\"{name}: '
        "rpc error: code = Unknown desc = failed to start sandbox container: OCI runtime create failed: "
        f'cannot allocate memory {name}\\"" pod="default/{name}" podUID="7607f6d7-91e1-4dbd-b957-c0d7b101de2e"\n'
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=str(number), marks=pytest.mark.by_hand if number % 2 else ())
        for number, text in enumerate(HOSTILE)
    ],
)
async def test_in_the_failure_list_its_report_and_the_pods(tmp_path: Path, text: str) -> None:
    HostTree.small(tmp_path)
    log = tmp_path / "messages"
    log.write_bytes((kernel_line(text, 1) + kubelet_line(text, 2)).encode("utf-8", "surrogatepass"))
    app = make_app(tmp_path, kernel_log=str(log), kubelet_log=str(log))
    async with running(app, (200, 50)) as pilot:
        await until(pilot, lambda: bool(app.main.session.failures.incidents))
        await pilot.pause(0.5)
        screens = [text_of(app)]
        await pilot.press("tab", "enter")
        await pilot.pause()
        screens.append(text_of(app))
        await pilot.press("escape", "tab", "enter")
        await pilot.pause()
        screens.append(text_of(app))
        for screen in screens:
            assert not OBEYED.search(screen.replace("\n", ""))
        assert app.is_running
        if text.isascii() and text.isprintable() and len(text) <= 16:
            assert text in screens[0], screens[0]


@pytest.mark.slow
@pytest.mark.parametrize("text", [h for h in HOSTILE if "\n" not in h], ids=str.encode)
async def test_in_names_of_the_node_its_kernel_and_its_zones(tmp_path: Path, text: str) -> None:
    tree = HostTree.small(tmp_path)
    tree.hostname = tree.release = text
    tree.write()
    tree.put("proc/buddyinfo", f"Node 0, zone {text.replace(' ', '').replace(chr(9), '')[:40]:>8}   10   10 \n")
    app = make_app(tmp_path)
    async with running(app) as pilot:
        await pilot.pause()
        for row in lines_of(app):
            assert not OBEYED.search(row)
        assert app.is_running


async def test_a_notice_is_not_markup(tmp_path: Path) -> None:
    HostTree.small(tmp_path)
    app = make_app(tmp_path)
    async with running(app) as pilot:
        app.report_crash("ValueError: x[/b] [red] [/]")
        await until(pilot, lambda: "x[/b] [red] [/]" in text_of(app))
