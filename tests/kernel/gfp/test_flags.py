"""Masks and names, checked against masks decoded by hand and, if present, the headers' own table."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.gfp.flags import decode, is_plausible, mask_names, parse_print_fmt, table_for
from fragtui.kernel.procfs.version import parse_version
from tests.support.places import SHARED

HEADERS = SHARED / "gfp-tables.json"


def names(mask: int, release: str) -> str:
    version = parse_version(release)
    assert version is not None
    table = table_for(version)
    assert table is not None
    return "|".join(mask_names(mask, table))


@pytest.mark.parametrize(
    ("mask", "release", "expected"),
    [
        (0x10C0D0, "3.10.0-514.el7.x86_64", "GFP_KERNEL|__GFP_COMP|__GFP_ZERO|__GFP_KMEMCG"),
        (0x10C0D0, "3.10.0-1160.el7.x86_64", "GFP_KERNEL_ACCOUNT|__GFP_COMP|__GFP_ZERO"),
        (0x26040D0, "4.9.0", "GFP_TEMPORARY|__GFP_COMP|__GFP_NOTRACK"),
        (0x14040C0, "4.13.0", "GFP_KERNEL|__GFP_COMP"),
        (0x6040C0, "4.18.0-147.el8", "GFP_KERNEL|__GFP_COMP"),
        (0x40CC0, "5.7.1", "GFP_KERNEL|__GFP_COMP"),
        (0x40DC0, "6.14.0", "GFP_KERNEL|__GFP_COMP|__GFP_ZERO"),
        (0x40DC0, "6.18.0", "GFP_KERNEL|__GFP_ZERO|__GFP_COMP"),
        (0x20, "2.6.32", "GFP_ATOMIC"),
        (0x2084020, "4.9.0", "GFP_ATOMIC|__GFP_COMP"),
        (0x480020, "4.19.60", "GFP_ATOMIC"),
        (0xA20, "5.4.0", "GFP_ATOMIC"),
        (0x820, "6.3.0", "GFP_ATOMIC"),
        (0x2800, "6.8.0", "GFP_NOWAIT"),
        (0x1100CCA, "5.15.158", "GFP_HIGHUSER_MOVABLE"),
        (0, "6.8.0", ""),
        (0x80000CC0, "6.1.0", "GFP_KERNEL|0x80000000"),
    ],
)
def test_masks_decode_as_by_hand(mask: int, release: str, expected: str) -> None:
    assert names(mask, release) == expected


@pytest.mark.skipif(not HEADERS.exists(), reason="the headers' table is not here")
def test_every_era_is_the_headers_own() -> None:
    for era in json.loads(HEADERS.read_text())["eras"]:
        version = parse_version(era["tree"])
        assert version is not None
        table = table_for(version)
        assert table is not None
        bits = {name: int(mask, 16) for name, mask in era["bits"].items()}
        mine = {name: mask for name, mask in table.bits.items() if name != "__GFP_RECLAIM"}
        if era["tree"] == "4.14":  # Its late stable releases dropped the bit; 4.14.0 had it.
            mine.pop("__GFP_NOTRACK", None)
        assert mine == bits, era["tree"]
        for name, mask in era["composites"].items():
            if int(mask, 16) and name not in {"GFP_THISNODE", "GFP_IOFS"}:  # No kernel ever printed these two.
                assert table.mask_of(name) == int(mask, 16), (era["tree"], name)


def test_a_mask_alone_shows_its_era_or_stays_uncertain() -> None:
    assert decode(0x40CC0, None, None).names == ("GFP_KERNEL", "__GFP_COMP")
    assert decode(0x14040C0, None, None).names == ("GFP_KERNEL", "__GFP_COMP")
    reading = decode(0x10C0D0, None, None)
    assert reading.names is None
    assert any("__GFP_KMEMCG" in found for _, found in reading.candidates)
    assert any("GFP_KERNEL_ACCOUNT" in found for _, found in reading.candidates)


def test_names_printed_by_the_kernel_win() -> None:
    reading = decode(0x40CC0, ("GFP_KERNEL", "__GFP_COMP"), parse_version("2.6.32"))
    assert (reading.names, reading.source) == (("GFP_KERNEL", "__GFP_COMP"), "printed")


def test_the_wrong_table_is_found_out() -> None:
    modern, old = (table_for(version) for version in map(parse_version, ("6.18.0", "3.10.0")) if version)
    assert modern is not None
    assert old is not None
    assert not is_plausible(0x10C0D0, modern)
    assert not is_plausible(0x40CC0, old)
    assert is_plausible(0x40CC0, modern)


def test_print_fmt_of_a_running_kernel() -> None:
    table = parse_print_fmt(
        'print fmt: "gfp_flags=%s", (REC->gfp_flags) ? __print_flags(REC->gfp_flags, "|",'
        ' {( unsigned long)(((( gfp_t)(((((1UL))) << (10)) | ((((1UL))) << (11))))) | (( gfp_t)0x40u)), "GFP_NOFS"},'
        ' {( unsigned long)(( gfp_t)((((1UL))) << (6))), "__GFP_IO"}, {__import__("os"), "GFP_BAD"}) : "none"'
    )
    assert table is not None
    assert table.names == ((0xC40, "GFP_NOFS"), (0x40, "__GFP_IO"))
    assert parse_print_fmt("no table") is None


@given(
    st.integers(0, (1 << 32) - 1), st.sampled_from(["2.6.32", "3.10.0", "4.4.0", "4.9.0", "4.19.0", "5.4.0", "6.18.0"])
)
def test_no_bit_is_lost(mask: int, release: str) -> None:
    version = parse_version(release)
    assert version is not None
    table = table_for(version)
    assert table is not None
    found = 0
    for name in mask_names(mask, table):
        bits = int(name, 16) if name.startswith("0x") else table.mask_of(name)
        assert bits is not None
        found |= bits
    assert found == mask


@given(st.text(max_size=200))
def test_print_fmt_never_raises(text: str) -> None:
    parse_print_fmt("{(" + text + '), "GFP_X"}')


Expression = tuple[str, int]
"""An expression as C writes it, and its value in 64 bits."""
ALL = (1 << 64) - 1


def larger(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    apply = {
        "|": lambda a, b: a | b,
        "&": lambda a, b: a & b,
        "+": lambda a, b: a + b & ALL,
        "-": lambda a, b: a - b & ALL,
    }
    both = st.builds(
        lambda a, b, sign: (f"({a[0]}) {sign} ({b[0]})", apply[sign](a[1], b[1])),
        inner, inner, st.sampled_from(sorted(apply)),
    )  # fmt: skip
    shifted = st.builds(lambda a, by: (f"(({a[0]}) << ({by}))", a[1] << by & ALL), inner, st.integers(0, 63))
    return both | shifted | inner.map(lambda a: (f"~({a[0]})", ~a[1] & ALL))


numbers = st.integers(0, ALL)
expressions = st.recursive(numbers.map(lambda n: (f"{n:#x}u", n)) | numbers.map(lambda n: (str(n), n)), larger)


@given(expressions)
def test_an_expression_has_the_value_that_c_gives_it(expression: Expression) -> None:
    text, value = expression
    table = parse_print_fmt(f'{{(unsigned long)(( gfp_t){text}), "GFP_X"}}')
    assert table is not None
    assert table.names == ((value, "GFP_X"),)


def test_operators_bind_as_in_c() -> None:
    table = parse_print_fmt('{1 | 2 + 1 << 2 & ~4, "GFP_X"}')
    assert table is not None
    assert table.names == ((9, "GFP_X"),)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 100_000, "(" * 190 + ")" * 190, "~" * 100_000, "~" * 4000 + "1", "1|" * 60_000 + "1", "1|" * 2000 + "1 2",
        "9" * 5000, "1<<64", "1<<~0", "1<<-1", "-1", "010", "1//2", "1**99999999", "abc", "f(1)", "1\n2", "1;2",
        "x" * 4000,
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_what_is_no_expression_is_skipped(text: str) -> None:
    assert parse_print_fmt(f'{{{text}, "GFP_X"}}') is None
