"""A panel whose drawing is imported when it is first shown: the first bars must not wait for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from fragtui.ui.session import Session
from fragtui.ui.widgets.framed import FramedPanel, Framing
from fragtui.ui.widgets.rows import Line


class View(Protocol):
    """Draws one panel."""

    def framing(self, width: int) -> Framing:
        """Return what the frame says of the body that was just drawn."""

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return the lines inside."""


class LatePanel(FramedPanel):
    """Draws a view; while it is hidden it makes and computes nothing."""

    def __init__(self, session: Session, id: str, make: Callable[[Session], View]) -> None:
        super().__init__(id=id)
        self._session = session
        self._make = make
        self._view: View | None = None

    def build(self, width: int, height: int) -> Sequence[Line]:
        """Return the frame and the view in it; nothing while the panel is hidden."""
        return super().build(width, height) if self.display else []

    def framing(self, width: int) -> Framing:
        """Return what the view says."""
        return self._shown.framing(width)

    def body(self, width: int, height: int) -> Sequence[Line]:
        """Return the lines of the view."""
        return self._shown.body(width, height)

    @property
    def _shown(self) -> View:
        if self._view is None:
            self._view = self._make(self._session)
        return self._view


def obstacles(session: Session) -> View:
    """Return the view of what stands in the way of a block."""
    from fragtui.ui.panels.late.obstacles import ObstaclesView  # noqa: PLC0415

    return ObstaclesView(session)


def nodes(session: Session) -> View:
    """Return the view of the NUMA nodes over time."""
    from fragtui.ui.panels.late.nodes import NodesView  # noqa: PLC0415

    return NodesView(session)


def consumers(session: Session) -> View:
    """Return the view of the largest consumers of memory."""
    from fragtui.ui.panels.late.consumers import ConsumersView  # noqa: PLC0415

    return ConsumersView(session)
