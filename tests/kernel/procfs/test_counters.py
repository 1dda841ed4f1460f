from hypothesis import given
from hypothesis import strategies as st

from fragtui.kernel.procfs.counters import parse_meminfo, parse_vmstat, sum_prefixed
from fragtui.kernel.procfs.pressure import parse_pressure

names = st.from_regex(r"[a-z][a-z0-9_]{0,30}", fullmatch=True)


@given(st.dictionaries(names, st.integers(0, 1 << 62)))
def test_vmstat_parses_back(counters: dict[str, int]) -> None:
    assert parse_vmstat("".join(f"{name} {value}\n" for name, value in counters.items())) == counters


@given(st.dictionaries(names, st.integers(0, 1 << 40)))
def test_meminfo_is_in_bytes(fields: dict[str, int]) -> None:
    text = "".join(f"{name}:{value:>12} kB\n" for name, value in fields.items())
    assert parse_meminfo(text) == {name: value * 1024 for name, value in fields.items()}


def test_meminfo_counts_without_a_unit_stay_counts() -> None:
    text = "HugePages_Total:       3\nActive(anon):  12 kB\n"
    assert parse_meminfo(text) == {"HugePages_Total": 3, "Active(anon)": 12288}


def test_a_torn_counter_is_unknown() -> None:
    assert parse_vmstat("nr_dirty 12\ncompact_stall 94") == {"nr_dirty": 12}


def test_allocstall_is_summed_over_zones_and_unknown_without_any() -> None:
    assert sum_prefixed({"allocstall_dma": 1, "allocstall_normal": 4}, "allocstall") == 5
    assert sum_prefixed({"allocstall": 7}, "allocstall") == 7
    assert sum_prefixed({}, "allocstall") is None


def test_pressure_is_parsed() -> None:
    text = "some avg10=1.50 avg60=0.20 avg300=0.00 total=123\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=7\n"
    pressure = parse_pressure(text)
    assert pressure.some is not None
    assert (pressure.some.avg10, pressure.some.total) == (1.5, 123)
    assert pressure.full is not None
    assert parse_pressure("").some is None


def test_pressure_without_its_full_line() -> None:
    pressure = parse_pressure("some avg10=1.50 avg60=0.20 avg300=0.00 total=123\n")
    assert pressure.some is not None
    assert pressure.full is None


@given(st.integers(0, 110))
def test_a_cut_pressure_gives_fewer_lines_never_other_ones(cut: int) -> None:
    text = "some avg10=1.50 avg60=0.20 avg300=0.00 total=123\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=77\n"
    whole, part = parse_pressure(text), parse_pressure(text[:cut])
    assert part.some in (None, whole.some)
    assert part.full in (None, whole.full)


def test_windows_line_ends_change_nothing() -> None:
    assert parse_vmstat("nr_dirty 12\r\npgpgin 3\r\n") == {"nr_dirty": 12, "pgpgin": 3}
    assert parse_meminfo("MemTotal:   12 kB\r\n") == {"MemTotal": 12288}


def test_more_digits_than_a_number_of_the_kernel_has() -> None:
    nines = "9" * 5000
    assert parse_vmstat(f"a {nines}\nb 1\n") == {"b": 1}
    assert parse_meminfo(f"A: {nines} kB\nB: 1 kB\n") == {"B": 1024}
    assert parse_pressure(f"some avg10=0.00 avg60=0.00 avg300=0.00 total={nines}\n").some is None


@given(st.text())
def test_no_text_crashes_the_counter_parsers(text: str) -> None:
    parse_vmstat(text)
    parse_meminfo(text)
    parse_pressure(text)
