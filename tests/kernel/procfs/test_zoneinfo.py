import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.procfs.zoneinfo import parse_zoneinfo

MODERN = """Node 0, zone      DMA
  per-node stats
      nr_inactive_anon 436
      nr_active_file 1226
  pages free     3840
        boost    0
        min      71
        low      88
        high     105
        promo    122
        spanned  4095
        present  3998
        managed  3840
        cma      0
        protection: (0, 3019, 3531, 3531, 3531)
      nr_free_pages 3840
      nr_zone_inactive_file 5
      nr_zone_active_file 6
      nr_free_cma  0
  pagesets
    cpu: 0
              count:    0
              high:     4
              batch:    1
  vm stats threshold: 4
  node_unreclaimable:  0
  start_pfn:           1
Node 0, zone  Movable
  pages free     0
        boost    0
        min      32
        low      32
        high     32
        promo    32
        spanned  0
        present  0
        managed  0
        cma      0
        protection: (0, 0, 0, 0, 0)
"""

V3_10 = """Node 1, zone   Normal
  pages free     7744
        min      11263
        low      14078
        high     16894
        scanned  0
        spanned  8388608
        present  8388608
        managed  8255231
    nr_free_pages 7744
    nr_inactive_file 100
    nr_active_file 200
    nr_free_cma  0
        protection: (0, 0, 0, 0)
  pagesets
    cpu: 0
              count: 151
              high:  186
              batch: 31
  vm stats threshold: 125
  all_unreclaimable: 0
  start_pfn:         8912896
  inactive_ratio:    17
"""


def test_a_modern_zoneinfo_is_parsed() -> None:
    dma, movable = parse_zoneinfo(MODERN)
    assert (dma.free, dma.boost, dma.min, dma.low, dma.high) == (3840, 0, 71, 88, 105)
    assert (dma.spanned, dma.present, dma.managed, dma.cma, dma.free_cma) == (4095, 3998, 3840, 0, 0)
    assert dma.protection == (0, 3019, 3531, 3531, 3531)
    assert dma.file == 11, "the node's own counter of the same name is another thing"
    assert dma.populated
    assert not movable.populated


def test_a_text_of_3_10() -> None:
    (normal,) = parse_zoneinfo(V3_10)
    assert (normal.node, normal.free, normal.min, normal.high) == (1, 7744, 11263, 16894)
    assert normal.boost is None
    assert normal.file == 300
    assert normal.protection == (0, 0, 0, 0)


@given(st.integers(0, len(MODERN)))
def test_a_cut_text_gives_fewer_facts_never_other_ones(cut: int) -> None:
    whole = {(zone.node, zone.zone): zone for zone in parse_zoneinfo(MODERN)}
    for zone in parse_zoneinfo(MODERN[:cut]):
        full = whole.get((zone.node, zone.zone))
        assert full is not None, "a header is a line too"
        for name in ("free", "min", "low", "high", "boost", "managed", "present", "protection", "file"):
            assert getattr(zone, name) in (None, getattr(full, name))


@pytest.mark.parametrize("text", [MODERN, V3_10])
def test_windows_line_ends_change_nothing(text: str) -> None:
    assert parse_zoneinfo(text.replace("\n", "\r\n")) == parse_zoneinfo(text)


# 2.6.18: active and inactive among the marks, a scanned line of its own form, protection after the counters.
V2_6_18 = """Node 0, zone      DMA
  pages free     2880
        min      6
        low      7
        high     9
        active   0
        inactive 0
        scanned  0 (a: 17 i: 17)
        spanned  4096
        present  4096
    nr_anon_pages 0
        protection: (0, 2000, 2000, 2000)
  pagesets
    cpu: 0 pcp: 0
              count: 0
              high:  0
              batch: 1
  all_unreclaimable: 1
  prev_priority:     12
  start_pfn:         0
"""


def test_a_text_of_2_6_18() -> None:
    (dma,) = parse_zoneinfo(V2_6_18)
    assert (dma.free, dma.min, dma.low, dma.high, dma.spanned, dma.present) == (2880, 6, 7, 9, 4096, 4096)
    assert (dma.managed, dma.boost, dma.cma, dma.free_cma, dma.file) == (None,) * 5
    assert dma.protection == (0, 2000, 2000, 2000)


# 4.8 and 4.9: the first zone has the node's counters, one under a zone counter's name of other versions.
V4_9 = """Node 0, zone   Normal
  per-node stats
      nr_inactive_file 7
      nr_active_file 8
  pages free     500
        min      100
        low      125
        high     150
   node_scanned  0
        spanned  9000
        present  9000
        managed  8000
      nr_free_pages 500
      nr_zone_inactive_file 3
      nr_zone_active_file 4
      nr_free_cma  12
        protection: (0, 0, 0, 0)
  pagesets
    cpu: 0
              count: 151
              high:  186
  node_unreclaimable:  0
"""


def test_a_text_of_4_9() -> None:
    (normal,) = parse_zoneinfo(V4_9)
    assert (normal.free, normal.high, normal.managed, normal.free_cma, normal.file) == (500, 150, 8000, 12, 7)
    assert normal.protection == (0, 0, 0, 0)


def test_the_first_of_two_samples_in_a_file_counts() -> None:
    assert parse_zoneinfo(V4_9 + V4_9.replace("500", "7")) == parse_zoneinfo(V4_9)


def test_more_digits_than_a_number_of_the_kernel_has() -> None:
    (normal,) = parse_zoneinfo(V4_9.replace("free     500", "free     " + "9" * 5000))
    assert normal.free is None
    assert normal.min == 100


@given(st.text())
def test_no_text_crashes_the_parser(text: str) -> None:
    parse_zoneinfo(text)


def test_pages_on_lru_lists_are_summed_if_all_lists_are_present() -> None:
    names = ("inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable")
    for prefix in ("nr_zone_", "nr_"):
        counters = "".join(f"      {prefix}{name} {1 << number}\n" for number, name in enumerate(names))
        text = f"Node 0, zone   Normal\n  pages free     7\n        present  100\n{counters}"
        assert parse_zoneinfo(text)[0].lru == 31
        assert parse_zoneinfo(text.replace("unevictable", "mlock"))[0].lru is None


@pytest.mark.parametrize(
    ("counts", "pages", "room", "much"),
    [([], 0, None, 0), ([(151, 186)], 151, 35, 0), ([(900, 910), (20, 910), (915, 910)], 1835, 890, 1835)],
)
def test_pages_on_per_cpu_lists_and_the_room_of_the_emptiest(
    counts: list[tuple[int, int]], pages: int, room: int | None, much: int
) -> None:
    cpus = "".join(
        f"    cpu: {cpu}\n              count: {count}\n              high:  {high}\n              batch: 31\n"
        for cpu, (count, high) in enumerate(counts)
    )
    text = f"Node 0, zone   Normal\n  pages free     7\n        managed  50000\n  pagesets\n{cpus}  start_pfn: 1\n"
    zone = parse_zoneinfo(text)[0]
    assert (zone.percpu, zone.percpu_room, zone.much_percpu) == (pages, room, much)
    assert parse_zoneinfo(text.replace("  pagesets", "  others"))[0].percpu is None
    assert parse_zoneinfo(text.replace("              high:", "              low:"))[0].percpu_room is None
