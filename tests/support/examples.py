"""How many examples a property gets."""

from __future__ import annotations

from hypothesis import settings

_CI_EXAMPLES = 100
"""Examples of a property that asks for no count, in profile `ci`."""


def examples(count: int, deadline: int | None = None) -> settings:
    """Return settings of `count` examples in profile `ci`, in proportion fewer in others; `deadline` in ms for each."""
    return settings(max_examples=max(1, count * settings().max_examples // _CI_EXAMPLES), deadline=deadline)
