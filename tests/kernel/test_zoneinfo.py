from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.zoneinfo import parse_zoneinfo

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


def test_a_modern_text() -> None:
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
        if full is None:  # the name in its header was cut
            assert zone.free is None
            continue
        for name in ("free", "min", "low", "high", "boost", "managed", "present", "protection", "file"):
            assert getattr(zone, name) in (None, getattr(full, name))


@given(st.text())
def test_no_text_crashes_it(text: str) -> None:
    parse_zoneinfo(text)
