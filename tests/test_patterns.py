"""No regular expression of the package takes more than its share of time for a text that was written to delay it."""

from __future__ import annotations

import re
from collections.abc import Callable
from time import thread_time
from typing import Any

import pytest

from fragtui.cluster import event_tables
from fragtui.cluster import failure_reason as reason
from fragtui.logs.wrapper import any_of, shape_of
from fragtui.render.redaction import redaction_of
from fragtui.sources.config import toml_file
from fragtui.sources.host import tree
from tests.support.adversary import Attack, attacks
from tests.support.package_patterns import Use, package_patterns

SIZES = (16, 32, 128, 512, 2048)
LONGEST = 16_384
"""What a line is cut to before an expression sees it."""
FLOOR = 0.002
"""Seconds too short to notice: below it, no growth is too much."""
SLOW = 0.01
"""Seconds from which on growth is measured at once: with a longer text it could take minutes."""
SUSPECT = (50e-6, 5.0)
"""Seconds for the longest of the sizes, and how many times those for the one before, which call for a closer look."""
MAX_GROWTH = 6.5
"""How much longer a text four times as long may take: 4 is in step with it, 16 is its square."""


def compiled_by(function: Callable[..., object], *arguments: object) -> list[re.Pattern[Any]]:
    """Return the expressions that a function compiles when it is called."""
    made: list[re.Pattern[Any]] = []
    compile_it = re.compile

    def noted(*given: Any) -> re.Pattern[Any]:
        made.append(compile_it(*given))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(re, "compile", noted)
        function(*arguments)
    assert made
    return made


MADE = {
    "fragtui.cluster.failure_reason._table": compiled_by(reason._table.__wrapped__),
    "fragtui.cluster.failure_reason._wrappers": compiled_by(reason._wrappers.__wrapped__),
    "fragtui.render.redaction.redaction_of": compiled_by(redaction_of, ["node-1.example"], ["web"], [("web-0", None)]),
    "fragtui.logs.wrapper.any_of": compiled_by(
        any_of,
        [shape_of(text) for text in ("/var/log/messages-1:", "2026-02-20T10:00:00Z a 12 | ", "[pod/x-1] 10:00:00 ")],
    ),
    "fragtui.cluster.event_tables._row_of": [
        pattern
        for header in (
            "NAMESPACE LASTSEEN TYPE REASON OBJECT SUBOBJECT SOURCE MESSAGE FIRSTSEEN COUNT NAME",
            "LASTSEEN FIRSTSEEN COUNT NAME KIND SUBOBJECT TYPE REASON SOURCE MESSAGE",
            "TYPE REASON AGE FROM MESSAGE",
        )
        for pattern in compiled_by(event_tables._row_of.__wrapped__, tuple(header.split()))
    ],
    "fragtui.sources.host.tree._section_of": compiled_by(tree._section_of.__wrapped__, "buddyinfo"),
    "fragtui.sources.config.toml_file._setting": compiled_by(toml_file._setting, "guard"),
}
"""Those that a function makes when it is called."""
FOUND = package_patterns(MADE)
LINE_BY_LINE = {
    "fragtui.cluster.event_tables._row_of": "match",
    "fragtui.cluster.failure_reason._wrappers": "match",
    "fragtui.logs.wrapper.any_of": "match",
    "fragtui.sources.config.toml_file._setting": "match",
}


def test_every_expression_of_the_package_is_reached() -> None:
    assert FOUND.unreached == []
    assert len(FOUND.uses) > 190


@pytest.mark.slow
@pytest.mark.parametrize("use", FOUND.uses, ids=lambda use: use.name)
def test_time_grows_in_step_with_the_text(use: Use) -> None:
    run = _runner(use)
    for attack in attacks(use.pattern, use.restarts):
        growth = _growth(run, use, attack)
        assert growth is None, f"{use.pattern.pattern!r} takes {growth} for {attack}"


def _runner(use: Use) -> Callable[[Any], object]:
    """Return the costliest way in which the package uses the expression."""
    if use.methods & {"finditer", "findall", "sub", "subn", "split"}:
        return lambda text: sum(1 for _ in use.pattern.finditer(text))
    if use.restarts and use.name not in LINE_BY_LINE:
        return use.pattern.search
    return use.pattern.fullmatch if use.methods == {"fullmatch"} else use.pattern.match


def _growth(run: Callable[[Any], object], use: Use, attack: Attack) -> str | None:
    """Return how the time grows with the length of the text if it does so faster than the text, else None."""
    size, seconds = 0, 0.0
    for size in SIZES:
        before, seconds = seconds, _seconds(run, use, attack, size, 1)
        if seconds > SLOW:
            break
    else:
        if seconds < SUSPECT[0] or seconds < SUSPECT[1] * before:
            return None
        size = LONGEST
    # A busy machine makes one measurement long, not the shortest of several, and not again and again.
    for tries in (1, 3, 7):
        after = _seconds(run, use, attack, size, tries)
        before = _seconds(run, use, attack, size // 4, tries)
        if after < FLOOR or after < MAX_GROWTH * before:
            return None
    return f"{after / before:.1f} times as long for {size} characters as for {size // 4}, {after * 1000:.1f} ms"


def _seconds(run: Callable[[Any], object], use: Use, attack: Attack, size: int, tries: int) -> float:
    """Return the processor time of the quickest of some runs."""
    text: Any = attack.text(size)
    if isinstance(use.pattern.pattern, bytes):
        text = text.encode("latin-1", "replace")
    best = float("inf")
    for _ in range(tries):
        begin = thread_time()
        run(text)
        best = min(best, thread_time() - begin)
    return best
