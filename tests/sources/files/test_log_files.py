"""Logs in every packing, followed and scanned."""

from __future__ import annotations

import gzip
import io
import lzma
import os
import sys
import tempfile
from collections.abc import Callable, Generator
from pathlib import Path
from typing import IO, cast
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.sources.files import log_files
from fragtui.sources.files.line_bounds import CutLines
from fragtui.sources.files.log_files import FollowedFile, open_log
from fragtui.sources.files.readable_log import ReadableLog
from fragtui.sources.files.unpacking import UnreadableLogError
from fragtui.sources.kernel_log.incident_stream import LineSplitter
from fragtui.sources.kernel_log.needle_search import BlockSearch, by_bytes_find, strstr_search
from fragtui.sources.kernel_log.scan import SCAN_BLOCK, _Block, _searched, near_lines
from fragtui.text import LINE_BYTES
from tests.support.examples import examples

TEXT = b"one\ntwo\n" * 1000


@pytest.mark.parametrize("pack", [bytes, gzip.compress, lzma.compress])
def test_packed_by_content_not_by_name(tmp_path: Path, pack: type[bytes]) -> None:
    path = tmp_path / "messages.1"
    path.write_bytes(pack(TEXT))
    with open_log(path) as log:
        assert b"".join(iter(lambda: log.read(1 << 16), b"")) == TEXT


def test_zstd_without_its_package_names_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
@examples(200)
def test_every_line_near_a_hit_comes_once_with_its_number(lines: list[bytes], before: int) -> None:
    data = b"".join(line + b"\n" for line in lines)
    found = list(near_lines(io.BytesIO(data), (b"alloc", b"needle"), lambda: False, before))
    wanted = set()
    for number, line in enumerate(lines, 1):
        if b"alloc" in line or b"needle" in line:
            wanted |= set(range(max(1, number - before), number + 1))
    assert [number for number, *_ in found] == sorted(wanted)
    assert all(line == lines[number - 1] for number, line, _, _ in found)


@given(st.binary(max_size=300).map(lambda raw: bytes(b"a\nx\nloc\n y"[b % 10] for b in raw)), st.integers(1, 99))
@examples(200)
def test_every_line_is_counted_whether_it_is_near_a_hit_or_not(data: bytes, size: int) -> None:
    cut = CutLines()
    with patch("fragtui.sources.kernel_log.scan.SCAN_BLOCK", size):
        for _ in near_lines(io.BytesIO(data), (b"alo", b"xx"), lambda: False, 1, cut):
            pass
    assert cut.lines == len(data.splitlines())


WHOLE = (b"x\n", b"alloc\n", b"a longer line of a log\n", b"\n", b"z\n")
BROKEN = (*WHOLE, b"y" * 40 + b"\n", bytes(20), b"\0", b"z")
PIECES = st.sampled_from([WHOLE, BROKEN]).flatmap(
    lambda kinds: st.lists(st.sampled_from(kinds), min_size=40, max_size=90)
)


def lines_near(pieces: list[bytes], needed: int, ahead: int) -> tuple[list[tuple[int, bytes, bool, bool]], int]:
    """Return the lines near ``alloc`` and `needed` ones after each, and how many lines there are."""
    found: list[tuple[int, bytes, bool, bool]] = []
    left, cut = [needed], CutLines()
    with tempfile.TemporaryFile(buffering=0) as log:
        log.write(b"".join(pieces))
        log.seek(0)
        for near in near_lines(cast("IO[bytes]", log), (b"alloc",), lambda: left[0] > 0, 1, cut, ahead=ahead):
            left[0] = needed if near[1] == b"alloc" else left[0] - 1
            found.append(near)
    return found, cut.lines


@given(PIECES, st.integers(1, 60), st.integers(0, 20), st.integers(2, 4))
@examples(200)
def test_a_file_searched_ahead_gives_the_same_lines(pieces: list[bytes], size: int, needed: int, ahead: int) -> None:
    module = "fragtui.sources.kernel_log.scan"
    with (
        patch(f"{module}.SCAN_BLOCK", size),
        patch(f"{module}._TAIL", 8),
        patch(f"{module}._MAX_LEFT", 9),
        patch(f"{module}.line_limit", lambda _: 30),
        patch("fragtui.sources.files.readable_log._PROBED_BYTES", 1),
    ):
        assert lines_near(pieces, needed, ahead) == lines_near(pieces, needed, 1)


def test_a_file_that_is_cut_while_it_is_searched_ahead_ends_there(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    path.write_bytes(b"alloc\n" + b"x" * 99 + b"\n" * (1 << 20))
    with path.open("rb", buffering=0) as log:
        near = near_lines(cast("IO[bytes]", log), (b"alloc",), lambda: True, ahead=2)
        assert next(near)[:2] == (1, b"alloc")
        os.truncate(path, 200)
        assert sum(1 for _ in near) < 1 << 20


def test_an_interrupt_between_blocks_that_were_searched_ahead_repeats_none(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    path.write_bytes(b"".join(b"alloc %06d\n" % number for number in range(40_000)))
    with path.open("rb", buffering=0) as log:
        source, search = ReadableLog(log, SCAN_BLOCK), BlockSearch((b"alloc",))
        blocks = cast("Generator[_Block]", _searched(cast("IO[bytes]", log), source, CutLines(), search, 2))
        places = [next(blocks).place, blocks.throw(KeyboardInterrupt).place]
        with pytest.raises(KeyboardInterrupt):
            places.extend(block.place for block in blocks)
    assert len(places) == len(set(places)) == 4


@given(st.binary(max_size=200).map(lambda raw: bytes(b"abcabcabcx"[b % 10] for b in raw)))
def test_both_searches_agree(block: bytes) -> None:
    needles = (b"ab", b"abc", b"c")
    search = strstr_search()
    assert search is not None
    assert search(block, needles) == by_bytes_find(block, needles)


def test_members_one_after_the_other_and_zero_bytes_between_are_one_log(tmp_path: Path) -> None:
    for pack in (gzip.compress, lzma.compress):
        path = tmp_path / "messages"
        path.write_bytes(pack(b"one\n") + bytes(64) + pack(b"") + pack(b"two\n") + bytes(8))
        with open_log(path) as log:
            assert log.read(100) == b"one\ntwo\n"


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_cut_off_log_is_read_before_the_error(pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    text = b"".join(b"line %d\n" % number for number in range(20_000))
    path = tmp_path / "messages"
    path.write_bytes(pack(text)[:-1000])
    with open_log(path) as log:
        found = log.read(1 << 20)
        assert len(found) > len(text) // 2
        assert text.startswith(found)
        with pytest.raises(EOFError):
            log.read(1 << 20)


def test_a_damaged_log_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "messages"
    path.write_bytes(gzip.compress(TEXT)[:10] + b"\x07" * 100)
    with open_log(path) as log, pytest.raises(UnreadableLogError, match="damaged"):
        while log.read(1 << 16):
            pass


def test_a_window_that_takes_too_much_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "messages.xz"
    path.write_bytes(lzma.compress(TEXT, preset=9))
    with open_log(path) as log, pytest.raises(UnreadableLogError, match=r"more than 32 MiB .* xz -dc messages\.xz"):
        log.read(1)
    zstandard = pytest.importorskip("zstandard")
    wide = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=wide).compressobj()
    path.write_bytes(packer.compress(TEXT) + packer.flush())
    with open_log(path) as log, pytest.raises(UnreadableLogError, match=r"more than 32 MiB .* zstd -dc"):
        log.read(1)


def test_a_hole_is_no_part_of_a_line_and_a_long_line_is_cut() -> None:
    data = b"alloc 1\n" + bytes(5000) + b"alloc 2\nalloc " + b"x" * (4 << 20) + b"\nalloc 4\n" + bytes(1 << 20)
    cut = CutLines()
    found = list(near_lines(io.BytesIO(data), (b"alloc",), lambda: False, 0, cut))
    assert [(number, line[:7]) for number, line, _, _ in found] == [(n, b"alloc %d" % n) for n in (1, 2)] + [
        (3, b"alloc x"),
        (4, b"alloc 4"),
    ]
    assert len(found[2][1]) == LINE_BYTES
    assert cut.count == 1


def test_following_holds_no_endless_line_and_leaves_holes_out(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as stream:
        stream.truncate(64 << 30)
        stream.seek(64 << 30)
        stream.write(b"behind the hole\n" + b"y" * (1 << 20))
    followed, splitter = FollowedFile(path, at_end=False), LineSplitter()
    lines = []
    while data := followed.read():
        lines += splitter.lines(data)
    assert lines == [b"behind the hole"]
    assert len(splitter.rest()) <= LINE_BYTES + 1
    assert splitter.lines(b"y\nnext\n") == [b"y" * LINE_BYTES, b"next"]
    assert splitter.cut.count == 1


@pytest.mark.timeout(10)
def test_following_a_fifo_or_a_device_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    assert FollowedFile(tmp_path / "fifo").read() == b""
    assert FollowedFile(Path("/dev/zero"), at_end=False).read() == b""


def test_a_file_that_shows_no_size_is_read_once_and_then_what_is_appended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = Path("/proc/version")
    assert version.stat().st_size == 0 and version.is_file()
    followed = FollowedFile(version)
    assert followed.read() == version.read_bytes() and [followed.read(), followed.read()] == [b"", b""]
    followed.close()
    real = os.fstat
    monkeypatch.setattr(os, "fstat", lambda file: os.stat_result((*real(file)[:6], 0, *real(file)[7:])))
    path, text = tmp_path / "log", b"".join(b"line %d\n" % number for number in range(100_000))
    path.write_bytes(text)
    followed = FollowedFile(path, at_end=False)
    read = b"".join(iter(followed.read, b""))
    with path.open("ab") as stream:
        stream.write(b"more\n")
    assert read == text and followed.read() == b"more\n" and followed.read() == b""
    followed.close()


@pytest.mark.timeout(20)
def test_a_file_that_shows_no_size_and_has_no_end_is_read_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_files, "MAX_SIZELESS_BYTES", 1 << 20)
    followed = FollowedFile(Path("/proc/self/pagemap"), at_end=False)
    sizes = [len(followed.read()) for _ in range(6)]
    assert sizes == [1 << 18] * 4 + [0, 0]
    assert followed.problem is not None and "read no further" in followed.problem
    followed.close()


def test_what_replaces_a_log_is_not_read_until_it_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"one\n")
    followed = FollowedFile(path, at_end=False)
    assert followed.read() == b"one\n"
    opened = len(list(Path("/proc/self/fd").iterdir()))
    others: tuple[tuple[Callable[[], None], Callable[[], None]], ...] = (
        (lambda: os.mkfifo(path), path.unlink),
        (lambda: path.symlink_to("/dev/zero"), path.unlink),
        (path.mkdir, path.rmdir),
        (lambda: path.symlink_to(path), path.unlink),
    )
    for put, take in others:
        path.unlink()
        put()
        assert [followed.read() for _ in range(3)] == [b""] * 3
        assert len(list(Path("/proc/self/fd").iterdir())) <= opened
        take()
        path.write_bytes(b"again\n")
        assert followed.read() == b"again\n"
    followed.close()
