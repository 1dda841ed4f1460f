"""A picture places every word by its column and draws a bar as one shape, so that all viewers show it alike."""

import re
from xml.etree import ElementTree

from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from fragtui.ui.terminal.svg import CELL_WIDTH, cells, draw, picture

GROUND = "#10141c"


def shapes(*segments: Segment) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(f"<g>{draw(list(cells(segments, '#d6dce9', GROUND)), GROUND)}</g>"))


def column(shape: ElementTree.Element) -> float:
    return round(float(shape.attrib["x"]) / CELL_WIDTH, 3)


def test_words_stand_at_their_columns_without_leading_spaces() -> None:
    words = shapes(Segment("   4K   367k"))
    assert [(word.text, column(word)) for word in words] == [("4K", 3), ("367k", 8)]


def test_a_bar_is_one_shape_of_seven_eighths() -> None:
    (bar,) = shapes(Segment("▇▇▇▇▇", Style.parse("#5d80b8")))
    assert (bar.tag, bar.attrib["fill"], float(bar.attrib["width"])) == ("rect", "#5d80b8", 5 * CELL_WIDTH)
    assert float(bar.attrib["y"]) == 18 / 8


def test_a_ground_is_drawn_once_and_the_pictures_own_not_at_all() -> None:
    badge, word, after = shapes(Segment(" LOW ", Style.parse("bold #1c1400 on #f0c264")), Segment(" few"))
    assert (badge.tag, float(badge.attrib["width"])) == ("rect", 5 * CELL_WIDTH)
    assert (word.text, word.attrib["class"], after.text) == ("LOW", "b", "few")


def test_glyphs_outside_ascii_do_not_push_what_follows() -> None:
    assert [(shape.text, column(shape)) for shape in shapes(Segment("✗日a"))] == [("✗", 0), ("日", 1), ("a", 3)]


def test_reverse_exchanges_the_colours() -> None:
    ground, word = shapes(Segment("x", Style.parse("reverse #ffffff on #000000")))
    assert (ground.attrib["fill"], word.attrib["fill"]) == ("#ffffff", "#000000")


@given(st.lists(st.text(st.characters(blacklist_categories=("Cc", "Cs", "Mn", "Me", "Cf")), max_size=12), max_size=6))
@example(["a\ufffe", "\uffff"])
def test_any_text_is_well_formed_and_nothing_visible_is_lost(texts: list[str]) -> None:
    root = ElementTree.fromstring(picture([[Segment(text) for text in texts]], 80, "<t>&", "#fff", "#000"))
    drawn = "".join(element.text or "" for element in root.iter() if element.tag.endswith("text"))
    visible = [char for char in "".join(texts) if not re.match(r"[\s▁-▏░-▓─│╭╮╰╯]", char) and cell_len(char)]
    assert [char for char in drawn.removeprefix("<t>&") if not char.isspace()] == [
        "\ufffd" if c in "\ufffe\uffff" else c for c in visible if not c.isspace()
    ]
