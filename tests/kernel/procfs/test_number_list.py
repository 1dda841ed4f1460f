"""Lists of CPUs and nodes, against lists that are written from known numbers."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.procfs.number_list import parse_number_list

numbers = st.frozensets(st.integers(0, 200), min_size=1)


def printed(numbers: frozenset[int]) -> str:
    """Return the list as the kernel prints it: ranges in ascending order."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][-1] == number - 1:
            ranges[-1].append(number)
        else:
            ranges.append([number])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in ranges)


@given(numbers)
def test_a_list_is_read_as_it_was_printed(numbers: frozenset[int]) -> None:
    assert parse_number_list(printed(numbers), 200) == numbers
    assert parse_number_list(printed(numbers), max(numbers) - 1) is None


@given(st.text() | st.text("0123456789-, \n"), st.integers(0, 1 << 16))
def test_any_text_is_a_list_within_its_bound_or_none(text: str, largest: int) -> None:
    found = parse_number_list(text, largest)
    assert found is None or (found and all(0 <= number <= largest for number in found))


@pytest.mark.parametrize("text", ["", "(null)", "3-1", "0-", "-1", "0,,1", "0-3:1/2", "9" * 5000, "٣"])
def test_what_the_kernel_does_not_print_is_no_list(text: str) -> None:
    assert parse_number_list(text, 1 << 16) is None


def test_overlaps_cost_no_time() -> None:
    begun = time.process_time()
    assert parse_number_list(",".join(["0-65535"] * 2000), 1 << 16) == frozenset(range(1 << 16))
    assert time.process_time() - begun < 1
