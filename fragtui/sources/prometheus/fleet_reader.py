"""The fleet as a Prometheus knows it: one small query for each column, joined by node."""

from __future__ import annotations

from collections.abc import Sequence

from fragtui.model.fleet.fleet import Counting, Fleet, FleetError, Points
from fragtui.model.fleet.series import NodeSeries
from fragtui.model.node.verdict import DEFAULT_THRESHOLDS, Thresholds
from fragtui.sources.prometheus.client import PrometheusClient


class FleetReader:
    """Reads a fleet; see `FleetSource` of the model. Every method raises only `FleetError`."""

    def __init__(
        self,
        client: PrometheusClient,
        order: int,
        *,
        match: str = "",
        page_size: int = 4096,
        thresholds: Thresholds = DEFAULT_THRESHOLDS,
    ) -> None:
        """`match` is a selector of labels without its braces: ``cluster="x",pool=~"gpu.*"``."""
        self._client = client
        self.order = order
        self.match = match
        self.page_size = page_size
        self.thresholds = thresholds

    def probe(self) -> Counting:
        """Return where the blocks can be read from; `read` does it once by itself."""
        raise FleetError("not implemented")

    def read(self) -> Fleet:
        """Return all nodes now."""
        raise FleetError("not implemented")

    def node(self, name: str) -> NodeSeries:
        """Return the free blocks of one node now."""
        raise FleetError("not implemented")

    def node_history(self, name: str, seconds: float) -> tuple[NodeSeries, ...]:
        """Return the free blocks of one node in the last seconds, oldest first."""
        raise FleetError("not implemented")

    def history(self, names: Sequence[str], seconds: float) -> dict[str, Points]:
        """Return the blocks of at most 50 nodes in the last seconds."""
        raise FleetError("not implemented")
