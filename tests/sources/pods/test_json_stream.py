"""A list read object by object gives the same as a list read at once, for any cut of the chunks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fragtui.sources.pods.json_stream import NotAList, read_list

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), 1 << 63) | st.floats(-1e300, 1e300) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=4)


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.slow
@given(
    st.dictionaries(st.text().filter(lambda name: name != "items"), VALUES, max_size=3),
    st.lists(OBJECTS | VALUES),
    st.booleans(),
    st.integers(1, 70),
    st.sampled_from([None, 2]),
)
def test_any_list_in_any_chunks(
    others: dict[str, Any], items: list[Any], first: bool, size: int, indent: int | None
) -> None:
    whole = {"items": items, **others} if first else {**others, "items": items}
    data = json.dumps(whole, indent=indent, ensure_ascii=False).encode("utf-8", "surrogatepass")
    whole = json.loads(data.decode("utf-8", "replace"))
    got: list[dict[str, Any]] = []
    assert read_list(cut(data, size), got.append) == {key: value for key, value in whole.items() if key != "items"}
    assert got == [item for item in whole["items"] if isinstance(item, dict)]


@given(st.binary(max_size=60), st.integers(1, 9))
def test_a_text_that_is_no_list_is_an_error(data: bytes, size: int) -> None:
    try:
        whole = read_list(cut(data, size), lambda item: None)
    except NotAList as error:
        assert str(error)
    else:
        assert isinstance(whole, dict)


@pytest.mark.parametrize(
    "text",
    ["", "[1]", "7", "{", '{"items"', '{"items":[', '{"items":[{},', '{"items":[{}', '{"items":[{}]', '{"a":1', "{x"],
)
def test_a_list_cut_off_is_never_used_as_complete(text: str) -> None:
    with pytest.raises(NotAList):
        read_list(iter([text.encode()]), lambda item: None)


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(NotAList):
        read_list(cut(b'{"items":[' + b"[" * 200_000, 65536), lambda item: None)


def test_null_items_are_none() -> None:
    """Go writes a nil slice as null."""
    assert read_list(iter([b'{"items":null,"metadata":{"resourceVersion":"7"}}']), lambda item: None) == {
        "items": None,
        "metadata": {"resourceVersion": "7"},
    }
