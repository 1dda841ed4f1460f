"""A log is read as UTF-8 and with its oldest line first, whatever it is."""

from __future__ import annotations

import io
import json

import pytest

from fragtui.sources.files import readable_log
from fragtui.sources.files.readable_log import ReadableLog


def read(data: bytes, block: int = 1 << 17) -> tuple[list[str], list[int]]:
    log = ReadableLog(io.BytesIO(data), block)
    lines: list[str] = []
    numbers: list[int] = []
    rest = b""
    while piece := log.read():
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            lines.append(line.decode("utf-8", "replace"))
            numbers.append(log.number_of(len(lines)))
    return lines + ([rest.decode("utf-8", "replace")] if rest else []), numbers


def stamped(seconds: range) -> list[str]:
    return [f"[ {second:5d}.000001] line {second}" for second in seconds]


def text(lines: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("block", [3, 64, 1 << 17])
def test_utf_16_is_decoded_by_its_byte_order_mark(encoding: str, block: int) -> None:
    lines = [*stamped(range(20)), "ä € 😀"]
    assert read(("\ufeff" + text(lines).decode()).encode(encoding), block)[0] == lines


def test_a_log_in_order_is_left_as_it_is() -> None:
    lines = stamped(range(50))
    assert read(text(lines)) == (lines, list(range(1, 51)))
    restarted = [*stamped(range(90, 99)), *stamped(range(9))]
    assert read(text(restarted))[0] == restarted


@pytest.mark.slow
def test_the_newest_line_first_is_turned_and_keeps_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = stamped(range(3000))
    turned = text(lines[::-1])
    assert read(turned) == (lines, list(range(3000, 0, -1)))
    # In pieces: each of them is turned.
    monkeypatch.setattr(readable_log, "_TURNED_BYTES", len(turned) // 3)
    found, numbers = read(turned, 1 << 12)
    assert sorted(found) == sorted(lines) and len(found) == len(lines)
    assert [turned.decode().split("\n")[number - 1] for number in numbers] == found


def test_entries_of_json_are_turned_as_a_whole() -> None:
    entries = [{"timestamp": f"2026-02-20T10:00:{second:02d}Z", "textPayload": f"a {second}"} for second in range(9)]
    lines, _ = read((json.dumps(entries[::-1], indent=2) + "\n").encode())
    said = [line.strip(' ",') for line in lines if "textPayload" in line]
    assert said == [f'textPayload": "a {second}' for second in range(9)]
    for place, line in enumerate(lines):
        if line.strip() == "{":
            assert "timestamp" in lines[place + 1] and lines[place + 3].strip(" ,") == "}"


@pytest.mark.parametrize("data", [b"", b"\n", b"\xff", b"\xff\xfe", b"\xff\xfea", b"no newline"])
def test_any_short_log_is_read(data: bytes) -> None:
    read(data)
