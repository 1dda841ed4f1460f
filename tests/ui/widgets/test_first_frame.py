"""What the first frame is drawn with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.screen import make_app, running


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_no_style_is_missing_without_a_second_pass(root: Path, size: tuple[int, int]) -> None:
    app = make_app(root)
    async with running(app, size):
        widgets = list(app.screen.walk_children(with_self=True))
        before = [dict(widget.styles.base.get_rules()) for widget in widgets]
        app.screen.update_node_styles(animate=False)
        assert [dict(widget.styles.base.get_rules()) for widget in widgets] == before
