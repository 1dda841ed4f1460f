"""``fragtui gfp`` as it is called."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from fragtui.commands.look import gfp


def call(*words: str) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path, default=Path("/"))
    gfp.configure(parser)
    return gfp.run(parser.parse_args(words))


def test_names_of_a_mask_and_the_mask_of_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("0x40cc0", "--kernel", "5.15") == 0
    assert "GFP_KERNEL|__GFP_COMP" in capsys.readouterr().out
    assert call("GFP_KERNEL|__GFP_COMP", "--kernel", "4.14.0", "--json") == 0
    assert json.loads(capsys.readouterr().out)["mode"] == "0x14040c0"


def test_a_mask_of_another_era_is_doubted(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("0x10c0d0", "--kernel", "6.1", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["plausible"] is False
    assert any("GFP_KERNEL_ACCOUNT" in each["gfp"] for each in found["candidates"])


def test_a_mask_of_an_unknown_kernel_gets_candidates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--root", str(tmp_path), "0x10c0d0") == 0
    assert "3.8 before 3.16" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("0xzz",), "expected a number"),
        (("GFP_NOTHING", "--kernel", "6.1"), "unknown flag GFP_NOTHING on 6.1."),
        (("0x20", "--kernel", "none"), "expected a release"),
        (("-5",), "expected a number"),
    ],
)
def test_nonsense_is_refused(words: tuple[str, ...], why: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(*words) == 2
    assert why in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["0xzz", "0x", "1_000", "+5", "-1", "", "0x1ffffffffffffffff", "٤"])
def test_an_invalid_mask_is_one_line_and_status_2(mode: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--kernel", "6.1", "--", mode) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "expected a number" in said.err


def test_a_bit_that_no_kernel_names_and_a_request_for_huge_pages(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("0x8000000000000cc0", "--kernel", "6.1") == 0
    assert capsys.readouterr().out.endswith("no kernel's table gives every bit of it a name.\n")
    assert call("0x342ca", "--kernel", "4.9") == 0
    said = capsys.readouterr().out
    assert "GFP_TRANSHUGE_LIGHT" in said
    assert "hardly" not in said
