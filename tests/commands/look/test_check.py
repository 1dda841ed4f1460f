"""``fragtui check`` as it is called."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fragtui.commands.cli.parser import main
from fragtui.sources.kernel_log.last_failed_order import newest_order
from tests.support.examples import examples
from tests.support.host_tree import DMA, FRAGMENTED, HostTree
from tests.support.places import REPOSITORY
from tests.support.terminal import command, terminal

FIELDS = [
    *(
        "schema",
        "verdict",
        "state",
        "order",
        "exit",
        "summary",
        "outlook",
        "bare_nodes",
        "denied",
        "stuck",
        "advice",
        "unseen",
    ),
    *("kernel", "page_size", "zones", "help", "unreadable"),
]
ZONE_FIELDS = [
    "node",
    "zone",
    "free_blocks",
    "free_bytes",
    "largest_free_bytes",
    "unusable_index",
    "fragmentation_index",
    "verdict",
    "watermark",
]
THIN = (400_000, 90_000, 12_000, 40, 2, 1, 0, 0, 0, 0, 0)


def checked(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, object]]:
    status = main(["check", "--json", *words])
    return status, json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("counts", "order", "status", "verdict"),
    [
        ((2000, 1500, 1000, 800, 400, 200, 100, 50, 20, 10, 900), 3, 0, "available"),
        (THIN, 4, 1, "available"),
        (FRAGMENTED, 4, 2, "fragmented"),
        ((100, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 3, 2, "short"),
    ],
)
def test_the_exit_status_is_the_severity(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    counts: tuple[int, ...],
    order: int,
    status: int,
    verdict: str,
) -> None:
    HostTree.small(tmp_path, counts)
    found, report = checked(capsys, "--root", str(tmp_path), "--order", str(order))
    assert (found, report["exit"], report["verdict"], report["order"]) == (status, status, verdict, order)


def test_the_fields_of_the_contract(fragmented: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, report = checked(capsys, "--root", str(fragmented))
    assert list(report) == FIELDS
    assert report["order"] == 3, "no log is read for saved files"
    assert report["kernel"] == "6.8.0-45-generic"
    assert report["page_size"] == 4096
    zones = report["zones"]
    assert isinstance(zones, list)
    assert [list(zone) for zone in zones] == [ZONE_FIELDS] * 3
    dma, normal = zones[0], zones[2]
    assert dma["free_blocks"] == list(DMA)
    assert dma["largest_free_bytes"] == 4096 << 10
    assert normal["free_bytes"] == 4096 * sum(count << order for order, count in enumerate(FRAGMENTED))
    assert normal["unusable_index"][4] == 1.0
    assert normal["fragmentation_index"][0] == -1.0
    assert normal["verdict"]["GFP_KERNEL"][4] == "fragmented"
    assert normal["watermark"]["min_bytes"] == 11_000 * 4096
    assert dma["watermark"]["reserve_bytes"] == 24090 * 4096
    help_ = report["help"]
    assert isinstance(help_, dict)
    assert help_["drop_caches"]["bytes"] > 0
    assert "blocks" in help_["compact"]
    assert report["unreadable"] == []
    assert str(report["summary"]).count(". ") == 0


def test_a_missing_file_is_reported_and_its_fields_are_null(
    fragmented: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (fragmented / "proc/zoneinfo").unlink()
    (fragmented / "proc/meminfo").unlink()
    status, report = checked(capsys, "--root", str(fragmented), "--order", "5")
    assert status == 2
    assert {"path": str(fragmented / "proc/zoneinfo"), "why": "no such file or directory"} in report["unreadable"]  # type: ignore[operator]
    assert report["zones"][2]["watermark"] is None  # type: ignore[index]
    assert report["help"]["drop_caches"]["bytes"] is None  # type: ignore[index]
    assert {each["path"] for each in report["unreadable"]} >= {"page size"}  # type: ignore[attr-defined]
    (fragmented / "proc/buddyinfo").unlink()
    status, report = checked(capsys, "--root", str(fragmented))
    assert (status, report["verdict"], report["zones"]) == (3, "unknown", [])
    assert "buddyinfo" not in str(report["summary"]) or "no such file or directory" in str(report["summary"])


def test_words_without_a_terminal_are_plain(fragmented: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--root", str(fragmented), "--order", "4"]) == 2
    text = capsys.readouterr().out
    assert "\x1b" not in text
    assert text.startswith("FRAGMENTED  No free 64K block. 5.0G is free, but in pieces of 32K or less.\n")
    assert "node-7, kernel 6.8.0-45-generic, 64K (order 4):" in text
    assert "\nTry     fragtui drop-caches 3: about 60,000 blocks of 64K; 8.1G is read again\n" in text
    assert main(["check", "--root", str(fragmented), "--order", "4", "--wide"]) == 2
    text = capsys.readouterr().out
    assert "[4]" in text
    assert "0x" in text


@pytest.mark.slow
def test_colours_on_a_terminal_unless_forbidden(fragmented: Path) -> None:
    for setting, coloured in (([], True), (["NO_COLOR=1"], False), (["TERM=dumb"], False)):
        with terminal("check", "--root", str(fragmented), "--order", "4", argv=["env", *setting, *command()]) as shown:
            assert shown.wait() == 2
            shown.pump(0.1)
            assert (b"\x1b[31m" in shown.written) is coloured, setting
            assert "node 0 Normal" in shown.text


@pytest.mark.slow
def test_a_terminal_without_unicode_gets_ascii(fragmented: Path) -> None:
    command = [sys.executable, "-m", "fragtui", "check", "--root", str(fragmented)]
    environment = os.environ | {"PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, capture_output=True, check=False, env=environment, cwd=REPOSITORY)
    assert done.returncode in (0, 1, 2), done.stderr
    assert b"node 0 Normal" in done.stdout
    assert done.stdout.isascii()


def test_a_hostile_hostname_cannot_move_the_cursor(tree: HostTree, capsys: pytest.CaptureFixture[str]) -> None:
    tree.put("proc/sys/kernel/hostname", "\x1b]0;x\x07[/red]\n")
    main(["check", "--root", str(tree.root)])
    assert "\x1b" not in capsys.readouterr().out


def test_it_imports_neither_textual_nor_the_parser_of_reports() -> None:
    code = (
        "import sys\nfrom fragtui.commands.cli.parser import main\nmain(['check'])\n"
        "sys.stderr.write('\\n'.join(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    brought = set(done.stderr.splitlines())
    assert "fragtui.model.node.verdict" in brought
    assert not brought & {
        "textual",
        "rich",
        "asyncio",
        "psutil",
        "fragtui.kernel.reports.collector",
        "subprocess",
        "json",
    }


def test_the_order_of_the_last_failure() -> None:
    head = b"4,%d,%d,-;runc:[1:CHILD]: page allocation failure: order:%d, mode:0x40dc0(GFP_KERNEL)"
    records = [head % (1, 1000, 6), head % (2, 2000, 4), b"6,3,3000,-;usb 1-1: new device", head % (4, 4000, 0)]
    assert newest_order(records, 0) == 4
    assert newest_order(records, 3000) is None
    assert newest_order([b"12,1,9,-;x: page allocation failure: order:9, mode:0x0"], 0) is None, "not the kernel"
    assert newest_order([b"4,1,9,-; page allocation failure: order:9x: page allocation failure: order:2, m"], 0) == 2


@pytest.mark.slow
@settings(examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["buddyinfo", "zoneinfo", "meminfo", "version", "pagetypeinfo"]), st.binary(max_size=300), st.data()
)
def test_no_bytes_in_any_file_end_in_a_fault(
    tmp_path_factory: pytest.TempPathFactory, name: str, noise: bytes, data: st.DataObject
) -> None:
    root = tmp_path_factory.mktemp("noise")
    HostTree.small(root, FRAGMENTED)
    path = root / "proc" / name
    whole = path.read_bytes() if path.exists() else b""
    at = data.draw(st.integers(0, len(whole)))
    path.write_bytes(whole[:at] + noise + whole[at + len(noise) :])
    out = io.StringIO()
    with redirect_stdout(out):
        status = main(["check", "--json", "--root", str(root), "--order", "4"])
        assert main(["check", "--root", str(root), "--order", "4"]) == status
    report = json.loads(out.getvalue().split("\n")[0])
    assert report["exit"] == status
    assert "\x1b" not in out.getvalue()
