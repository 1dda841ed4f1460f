"""memory.stat and the reads of a cgroup, of both versions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.procfs.memory_stat import MemoryStat, parse_memory_stat, parse_read_bytes
from tests.support.cgroup_tree import stat_v1, stat_v2
from tests.support.examples import examples


@pytest.mark.parametrize(
    ("text", "stat"),
    [
        (stat_v2(4096, 100, 200, 9), MemoryStat(4096, 100, 200, 9)),
        (stat_v1(4096, 100, 9), MemoryStat(4096, 100, None, 9)),
        ("inactive_file 1\nactive_file 2\nworkingset_refault 5\n", MemoryStat(3, None, None, 5)),
        ("cache 9\ntotal_inactive_file 1\ntotal_active_file 2\n", MemoryStat(3, None, None, None)),
        ("inactive_file 1\n", MemoryStat(None, None, None, None)),
        ("inactive_file 1\nactive_file 99", MemoryStat(None, None, None, None)),
        ("", MemoryStat(None, None, None, None)),
    ],
    ids=["v2", "v1", "5.4", "3.10, v1", "half", "torn", "empty"],
)
def test_each_version_is_read_and_what_it_does_not_count_is_unknown(text: str, stat: MemoryStat) -> None:
    assert parse_memory_stat(text) == stat


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("", 0),
        ("8:0 rbytes=4096 wbytes=8 rios=1 wios=1 dbytes=0 dios=0\n253:0 rbytes=4 wbytes=0\n", 4100),
        ("8:0 Read 4096\n8:0 Write 8\n8:0 Total 4104\n8:16 Read 4\nTotal 4108\n", 4100),
        ("Total 0\n", 0),
        ("8:0 cost.usage=1\n", None),
    ],
)
def test_the_reads_of_all_devices_are_added(text: str, read: int | None) -> None:
    assert parse_read_bytes(text) == read


_LINES = st.lists(
    st.one_of(
        st.text(max_size=30),
        st.builds(
            "{} {}".format,
            st.sampled_from(["inactive_file", "total_active_file", "file_dirty", "total_dirty", "8:0 Read"]),
            st.one_of(st.integers(0, 1 << 70), st.integers(-5, 5), st.text(max_size=5)),
        ),
    ),
    max_size=12,
).map("\n".join)


@examples(100)
@given(_LINES)
def test_no_text_raises_and_no_number_is_negative(text: str) -> None:
    numbers = [*parse_memory_stat(text), parse_read_bytes(text)]
    assert all(number is None or number >= 0 for number in numbers)


@examples(50)
@given(st.integers(0, 1 << 50), st.integers(0, 1 << 50), st.integers(0, 1 << 50))
def test_what_the_kernel_prints_is_what_is_read(cache: int, dirty: int, slab: int) -> None:
    assert parse_memory_stat(stat_v2(cache, dirty, slab))[:3] == (cache, dirty, slab)
    assert parse_memory_stat(stat_v1(cache, dirty))[:3] == (cache, dirty, None)
