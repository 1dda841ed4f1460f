"""The installed command on a node whose remedies really write: no text runs one, a person's two keys do."""

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.harmless_node import HarmlessNode, harmless_node
from tests.support.terminal import Terminal

pytestmark = pytest.mark.slow

BEGIN, END = b"\x1b[200~", b"\x1b[201~"
ASKED = "Expected "
GUARD = "Switch the guard on as a dry run?"
COLOURED = b"\x1b[31mcritical y:\x1b[0m 1 compaction, yes \x1b[33mGc3ylwy\x1b[0m"
"""A log line with colours, and keys that open and confirm."""


@pytest.fixture
def node(tmp_path: Path) -> Iterator[HarmlessNode]:
    with harmless_node(tmp_path) as node:
        yield node


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HarmlessNode, Terminal]]:
    """One start for the tests that leave the screen as they found it."""
    with harmless_node(tmp_path_factory.mktemp("node")) as node, node.screen() as term:
        yield node, term


@pytest.fixture
def shown(shared: tuple[HarmlessNode, Terminal]) -> Iterator[tuple[HarmlessNode, Terminal]]:
    """Return a node and its screen with nothing open and nothing written, and close what a test has opened."""
    node, term = shared
    node.forget()
    yield node, term
    close_all(term, 0.3)


def send(term: Terminal, *parts: bytes | float) -> None:
    """Send bytes and wait between them, s."""
    for part in parts:
        if isinstance(part, bytes):
            os.write(term.fd, part)
        else:
            term.pump(part)


def press(term: Terminal, keys: bytes, seen: str) -> None:
    """Press a key again, as a person does, until it counts: on a busy machine it may seem to have waited."""
    for _ in range(5):
        send(term, 0.3, keys)
        with suppress(AssertionError):
            term.until(seen, 4)
            return
    raise AssertionError(f"{seen!r} was not seen:\n{term.text}")


def open_dialog(term: Terminal, key: bytes = b"c", question: str = ASKED) -> None:
    """Press a key as a person does and read the question for 0.9 s."""
    press(term, key, question)
    send(term, 0.9)


def close_all(term: Terminal, quiet: float = 1.3) -> None:
    """Leave whatever is open, and be quiet: 1.3 s until a paste is over, 0.3 s after other keys."""
    for _ in range(10):
        send(term, b"\x1b", 0.4)
        if not any(text in term.text for text in (ASKED, GUARD, "Before and after:")):
            break
    send(term, b"\x1b", quiet)


def assert_nothing_ran(node: HarmlessNode, term: Terminal) -> None:
    assert (node.asked_for, node.written) == ([], {}), term.text
    assert "guard" not in term.text.splitlines()[0], "nor is the guard on"


def assert_nothing_opened(node: HarmlessNode, term: Terminal) -> None:
    assert ASKED not in term.text, term.text
    assert GUARD not in term.text
    assert_nothing_ran(node, term)


def test_two_deliberate_keys_run_it(shown: tuple[HarmlessNode, Terminal]) -> None:
    node, term = shown
    send(term, b"c", 0.2, b"y", 1.2)
    assert_nothing_ran(node, term)  # It was typed ahead of the question.
    close_all(term, 0.3)
    open_dialog(term)
    press(term, b"y", "Before and after: Compact all memory")
    assert (node.asked_for, node.written) == (["compact"], {"compact": 1})
    close_all(term, 0.3)
    open_dialog(term, b"3")
    send(term, b"\t")
    press(term, b"\r", "Before and after: Drop page cache and slab")
    assert node.written == {"compact": 1, "drop": 3}


@pytest.mark.parametrize("times", [1, pytest.param(3, marks=pytest.mark.by_hand)])
def test_a_pasted_escape_sequence_confirms_nothing(shown: tuple[HarmlessNode, Terminal], times: int) -> None:
    node, term = shown
    for _ in range(times):
        open_dialog(term)
        send(term, BEGIN + b"\x1b[31my" + END, 0.8)
        assert_nothing_ran(node, term)
        send(term, 1.2, b"y", 0.8)
        assert_nothing_ran(node, term)
        assert "Not taken" in term.text, "a dialog that saw a paste can only be cancelled"
        close_all(term, 0.3)
    open_dialog(term)
    press(term, b"y", "Before and after: Compact all memory")


@pytest.mark.parametrize(
    ("cut", "times"),
    [(4, 1), pytest.param(4, 3, marks=pytest.mark.by_hand), pytest.param(1, 3, marks=pytest.mark.by_hand)],
)
def test_a_paste_whose_start_marker_comes_in_two_pieces_confirms_nothing(
    shown: tuple[HarmlessNode, Terminal], cut: int, times: int
) -> None:
    node, term = shown
    for _ in range(times):
        open_dialog(term)
        send(term, BEGIN[:cut], 0.3, BEGIN[cut:] + b"y" + END, 0.6)
        assert_nothing_ran(node, term)
        close_all(term)


@pytest.mark.parametrize("times", [1, pytest.param(3, marks=pytest.mark.by_hand)])
def test_two_pastes_of_a_coloured_line_open_and_confirm_nothing(
    shown: tuple[HarmlessNode, Terminal], times: int
) -> None:
    node, term = shown
    for _ in range(times):
        for _ in range(2):
            send(term, BEGIN + COLOURED + END, 0.9)
            assert_nothing_opened(node, term)
        close_all(term)


def test_a_line_pasted_without_markers_opens_and_confirms_nothing(shown: tuple[HarmlessNode, Terminal]) -> None:
    node, term = shown
    send(term, b"c y", 0.5)
    assert_nothing_opened(node, term)
    send(term, 0.8)  # Text that came at once counts as a paste for a second.
    open_dialog(term)
    send(term, COLOURED, 0.7)
    assert_nothing_ran(node, term)


@pytest.mark.by_hand
@pytest.mark.parametrize("cut", range(1, 12))
def test_a_paste_cut_at_any_byte_of_its_markers_runs_nothing(node: HarmlessNode, cut: int) -> None:
    begin, end = BEGIN[:cut], END[: max(0, cut - 6)]
    with node.screen() as term:
        for body in (b"c", b"y", b"\x1b[31my", COLOURED):
            whole = BEGIN + body + END
            at = len(begin) if cut < 6 else len(BEGIN + body + end)
            send(term, whole[:at], 0.3, whole[at:], 0.6)
            assert_nothing_opened(node, term)
            close_all(term)
            open_dialog(term)
            send(term, whole[:at], 0.3, whole[at:], 0.6)
            assert_nothing_ran(node, term)
            close_all(term)


@pytest.mark.by_hand
def test_a_paste_that_a_slow_link_brings_byte_by_byte_runs_nothing(node: HarmlessNode) -> None:
    with node.screen() as term:
        for opened in (False, True):
            if opened:
                open_dialog(term)
            for byte in BEGIN + b"\x1b[31mcy\r2y" + END:
                send(term, bytes([byte]), 0.3)
            assert_nothing_ran(node, term)
            close_all(term)


@pytest.mark.by_hand
def test_text_from_a_terminal_that_marks_no_paste_opens_and_confirms_nothing(node: HarmlessNode) -> None:
    with node.screen() as term:
        for text in (b"c y", b"cy", b"y\nc\n", COLOURED + b"\r", b"Gy", b"l\ry", b"\x10compact\r", b"\x1b[31mc"):
            send(term, text, 0.5)
            assert_nothing_ran(node, term)
            assert ASKED not in term.text
            close_all(term)
        open_dialog(term)
        for text in (b"yes", b"yy", b"\t\r", COLOURED, b"\x1b[31my"):
            send(term, text, 0.7)
            assert_nothing_ran(node, term)
            if ASKED not in term.text:
                close_all(term)
                open_dialog(term)


@pytest.mark.by_hand
def test_a_question_that_the_terminal_did_not_take_is_not_answered_blindly(node: HarmlessNode) -> None:
    with node.screen() as term:
        for _ in range(5):  # Each draws the whole screen, which is not read.
            os.write(term.fd, b"t")
            time.sleep(0.25)
        for key in (b"c", b"y"):
            os.write(term.fd, key)
            time.sleep(2.0)
        term.pump(1.0)
        assert_nothing_ran(node, term)
        term.until(ASKED, 10)
        send(term, 0.9)
        press(term, b"y", "Before and after: Compact all memory")


@pytest.mark.by_hand
def test_the_guard_and_the_escalation_obey_the_same_rule(node: HarmlessNode) -> None:
    with node.screen() as term:
        for key, question in ((b"A", GUARD), (b"l", ASKED), (b"K", ASKED)):
            send(term, b"x" + key, 0.8)
            assert_nothing_opened(node, term)
            open_dialog(term, key, question)
            send(term, b"yk", 0.8)
            assert_nothing_ran(node, term)
            assert question in term.text
            close_all(term)
        open_dialog(term, b"A", GUARD)
        press(term, b"y", "◉ guard")
        send(term, b"xA", 0.8)
        assert "◉ guard" in term.text, "nor is it switched off by text"
        send(term, 0.3, b"A")
        term.until(lambda text: "◉ guard" not in text, 10)


@pytest.mark.by_hand
def test_the_palette_opens_a_remedy_for_a_person_only(node: HarmlessNode) -> None:
    with node.screen() as term:
        send(term, b"\x10", 0.6, BEGIN + b"compact" + END, 1.6, b"\r", 1.0)
        assert_nothing_opened(node, term)
        close_all(term)
        send(term, b"\x10", 0.6)
        for letter in b"compact":
            send(term, bytes([letter]), 0.2)
        term.until("Compact all memory (compact_memory)", 10)
        press(term, b"\r", ASKED)


@pytest.mark.by_hand
def test_a_click_that_text_forges_confirms_nothing_and_one_of_a_hand_does(node: HarmlessNode) -> None:
    with node.screen() as term:
        open_dialog(term)
        row, line = next((row, line) for row, line in enumerate(term.screen.display) if "y  Compact all" in line)
        at = f"\x1b[<0;{line.index('y  Compact') + 3};{row + 1}".encode()
        for forged in (BEGIN + at + b"M" + at + b"m" + END, at + b"M" + at + b"m", b"a" + at + b"M" + at + b"m"):
            send(term, forged, 1.0)
            assert_nothing_ran(node, term)
            close_all(term)
            open_dialog(term)
        for _ in range(5):
            send(term, at + b"M", 0.08, at + b"m", 2.0)
            if node.asked_for:
                break
        term.until("Before and after: Compact all memory")
        assert node.written == {"compact": 1}
