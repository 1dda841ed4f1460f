"""Logs in every packing, followed and scanned."""

from __future__ import annotations

import gzip
import io
import lzma
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fragtui.sources.log_files import FollowedFile, open_log
from fragtui.sources.log_scan import near_lines
from fragtui.sources.needle_search import _by_bytes_find, best_search
from fragtui.sources.unpacking import UnreadableLogError

TEXT = b"one\ntwo\n" * 1000


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_packed_by_content_not_by_name(tmp_path: Path, pack: type[bytes]) -> None:
    path = tmp_path / "messages.1"
    path.write_bytes(pack(TEXT))
    with open_log(path) as log:
        assert b"".join(iter(lambda: log.read(1 << 16), b"")) == TEXT


def test_zstd_without_its_package_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    path = tmp_path / "messages.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd" + bytes(20))
    with pytest.raises(UnreadableLogError, match=r"zstd -dc messages\.zst"):
        open_log(path)


def test_following_survives_rename_and_truncation(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"old\n")
    followed = FollowedFile(path)
    assert followed.read() == b""
    with path.open("ab") as stream:
        stream.write(b"new\n")
    assert followed.read() == b"new\n"
    with path.open("ab") as stream:
        stream.write(b"last of the old\n")
    path.rename(tmp_path / "log.1")
    assert followed.read() == b"last of the old\n"
    assert followed.read() == b""
    path.write_bytes(b"first of the new\n")
    assert followed.read() == b"first of the new\n"
    path.write_bytes(b"cut\n")
    assert followed.read() == b"cut\n"
    followed.close()


@given(st.lists(st.sampled_from([b"", b"x", b"alloc", b"a needle here", b"yy alloc"]), max_size=60), st.integers(0, 4))
@settings(max_examples=200, deadline=None)
def test_every_line_near_a_hit_comes_once_with_its_number(lines: list[bytes], before: int) -> None:
    data = b"".join(line + b"\n" for line in lines)
    found = list(near_lines(io.BytesIO(data), (b"alloc", b"needle"), lambda: False, before))
    wanted = set()
    for number, line in enumerate(lines, 1):
        if b"alloc" in line or b"needle" in line:
            wanted |= set(range(max(1, number - before), number + 1))
    assert [number for number, *_ in found] == sorted(wanted)
    assert all(line == lines[number - 1] for number, line, _, _ in found)


@given(st.binary(max_size=200).map(lambda raw: bytes(b"abcabcabc\0"[b % 10] for b in raw)))
def test_both_searches_agree(block: bytes) -> None:
    needles = (b"ab", b"abc", b"c")
    assert best_search()(block, len(block), needles) == _by_bytes_find(block, len(block), needles)
