"""All text is plain technical English: no phrase of `tests/support/words.py` occurs in it."""

from __future__ import annotations

import argparse
import ast
import io
import re
import tokenize
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from fragtui.commands.cli.parser import build, main
from fragtui.commands.cli.verbs import VERBS
from tests.support.places import REPOSITORY
from tests.support.words import BANNED, BANNED_IN_PROSE, Phrase

SOURCES = sorted((REPOSITORY / "fragtui").rglob("*.py"))
PAGES = (
    "README.md",
    ".github/CONTRIBUTING.md",
    ".github/SECURITY.md",
    ".github/pull_request_template.md",
    ".github/ISSUE_TEMPLATE/bug.yml",
    ".github/ISSUE_TEMPLATE/wrong_verdict.yml",
)


class Text(NamedTuple):
    """A piece of text and the line that it starts in."""

    place: str
    line: int
    text: str


def docstrings(tree: ast.Module) -> set[ast.Constant]:
    """Return the strings that are statements: docstrings, and those after a constant or field."""
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }


def literals(source: str, place: str) -> Iterator[Text]:
    """Yield what a program can print: every string but docstrings, an f-string with its values left out."""
    tree = ast.parse(source)
    apart: set[ast.AST] = set(docstrings(tree))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            constants = [part for part in node.values if isinstance(part, ast.Constant)]
            apart.update(constants)
            parts = [str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values]
            yield Text(place, node.lineno, "".join(parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in apart:
            yield Text(place, node.lineno, node.value)


def prose(source: str, place: str) -> Iterator[Text]:
    """Yield docstrings and comments; comments of adjacent lines are one text."""
    for node in docstrings(ast.parse(source)):
        yield Text(place, node.lineno, str(node.value))
    block: list[str] = []
    start = last = 0
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        if block and token.start[0] != last + 1:
            yield Text(place, start, "\n".join(block))
            block = []
        start = start if block else token.start[0]
        block.append(token.string.lstrip("# "))
        last = token.start[0]
    if block:
        yield Text(place, start, "\n".join(block))


def hits(texts: Iterator[Text], phrases: tuple[Phrase, ...]) -> list[str]:
    """Return a line for each phrase found, also where a line ends inside it."""
    # One pattern of all is ten times as fast as one after the other.
    some = re.compile("|".join(phrase.pattern.pattern for phrase in phrases), re.IGNORECASE)
    flat = ((text, re.sub(r"\s", " ", text.text)) for text in texts)
    return [
        f"{text.place}:{text.line + text.text[: match.start()].count(chr(10))}: {match[0]!r}, use: {phrase.instead}"
        for text, words in flat
        if some.search(words)
        for phrase in phrases
        for match in phrase.pattern.finditer(words)
    ]


def of_parser(parser: argparse.ArgumentParser) -> Iterator[Text]:
    """Yield the help of a parser and of the verbs below it."""
    yield Text(f"{parser.prog} --help", 1, parser.format_help())
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in dict(action.choices).values():
                yield from of_parser(child)


def sources() -> Iterator[tuple[str, str]]:
    for path in SOURCES:
        yield path.read_text(), str(path.relative_to(REPOSITORY))


def test_no_string_of_the_program_has_a_banned_phrase() -> None:
    found = hits((text for source, place in sources() for text in literals(source, place)), BANNED)
    assert not found, "\n".join(found)


def test_no_docstring_or_comment_has_a_banned_phrase() -> None:
    found = hits((text for source, place in sources() for text in prose(source, place)), BANNED_IN_PROSE)
    assert not found, "\n".join(found)


def test_no_docstring_or_comment_of_the_tests_has_a_banned_phrase() -> None:
    texts = (
        text
        for path in sorted((REPOSITORY / "tests").rglob("*.py"))
        if path.name not in {"words.py", "test_words.py"}  # They have the phrases.
        for text in prose(path.read_text(), str(path.relative_to(REPOSITORY)))
    )
    found = hits(texts, BANNED_IN_PROSE)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("page", PAGES)
def test_no_page_has_a_banned_phrase(page: str) -> None:
    found = hits(iter([Text(page, 1, (REPOSITORY / page).read_text())]), BANNED)
    assert not found, "\n".join(found)


def test_no_help_has_a_banned_phrase() -> None:
    texts = list(of_parser(build(("--help",), whole=True)))
    assert len(texts) == len(VERBS) + 1
    found = hits(iter(texts), BANNED)
    assert not found, "\n".join(found)


def test_the_man_page_has_no_banned_phrase(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["man"]) == 0
    page = capsys.readouterr().out.replace("\\-", "-")
    assert ".SH" in page
    found = hits(iter([Text("fragtui man", 1, page)]), BANNED)
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("source", "phrase"),
    [
        ('x = "can be had"', "can be had"),
        ('x = f"{n} pods hang on it: {y}"', "hang on it"),
        ('x = ("blocks that are " "held back")', "held back"),
        ('x = """two\nlines, to be\nhad"""', "to be had"),
    ],
)
def test_a_banned_phrase_in_a_string_is_found(source: str, phrase: str) -> None:
    assert [hit for hit in hits(literals(source, "x.py"), BANNED) if repr(phrase) in hit]


def test_a_banned_phrase_in_prose_is_found_at_its_line() -> None:
    source = '"""Text.\n\nIt is made anew."""\n\nx = 1  # see\n# whoever\n# asks\n'
    assert [hit.partition(",")[0] for hit in hits(prose(source, "x.py"), BANNED_IN_PROSE)] == [
        "x.py:3: 'anew'",
        "x.py:6: 'whoever'",
    ]
    assert not hits(literals(source, "x.py"), BANNED)
