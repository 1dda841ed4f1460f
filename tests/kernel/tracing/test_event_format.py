"""Format files of trace events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.tracing.event_format import denied_filter, parse_format
from fragtui.sources.tracing.instance import ALLOCATION, EVENTS
from tests.support.traces import KERNELS, event_formats


@pytest.mark.parametrize("kernel", KERNELS)
def test_the_formats_of_a_kernel_have_the_names_that_are_read(kernel: str) -> None:
    formats = event_formats(kernel)
    for part, (_, wanted) in EVENTS.items():
        assert set(part) <= set(formats)
        known = parse_format(formats[part[0]])
        assert known is not None and known.name == part[0].split("/")[1]
        assert known.printed >= set(wanted) and known.sizes["common_pid"] == 4


@pytest.mark.parametrize("kernel", KERNELS)
def test_denied_requests_are_filtered_by_the_largest_frame_number(kernel: str) -> None:
    known = parse_format(event_formats(kernel)[ALLOCATION])
    assert known is not None and denied_filter(known) == "pfn == 0xffffffffffffffff"


def test_a_32_bit_kernel_and_one_before_4_1_have_filters_of_their_own() -> None:
    text = event_formats("6.1")[ALLOCATION]
    small = parse_format(text.replace("pfn;\toffset:8;\tsize:8", "pfn;\toffset:8;\tsize:4"))
    assert small is not None and denied_filter(small) == "pfn == 0xffffffff"
    old = parse_format(text.replace("unsigned long pfn;", "struct page * page;"))
    assert old is not None and denied_filter(old) == "page == 0"
    neither = parse_format(text.replace("unsigned long pfn;", "unsigned long frame;"))
    assert neither is not None and denied_filter(neither) is None


@given(st.text(max_size=300))
def test_no_text_raises_or_is_a_format_without_its_parts(text: str) -> None:
    assert parse_format(text) is None
    assert parse_format(text + 'name: x\nformat:\nprint fmt: "') is None
