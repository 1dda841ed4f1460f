"""A Grafana dashboard over fragtui's metrics, and node_exporter's buddyinfo for nodes with lean metrics."""

from __future__ import annotations

import json
from collections.abc import Mapping

_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_ON = 'instance=~"$instance"'
_COLOURS = ("green", "yellow", "red", "purple")
_STATES = ("OK", "LOW", "requests may fail", "UNKNOWN")
_HALF, _WHOLE, _HEIGHT = 12, 24, 9
"""Columns of Grafana's grid, and rows of a panel."""


def dashboard() -> str:
    """Return the dashboard as JSON, to import."""
    severities = {
        str(value): {"text": text, "color": colour, "index": value}
        for value, (text, colour) in enumerate(zip(_STATES, _COLOURS, strict=True))
    }
    steps = [{"color": colour, "value": value or None} for value, colour in enumerate(_COLOURS)]
    states = {
        "mappings": [{"type": "value", "options": severities}],
        "thresholds": {"mode": "absolute", "steps": steps},
    }
    bytes_unit = {"unit": "bytes"}
    panels = [
        _panel("Nodes by state", "stat", _HALF, [("count by (state) (fragtui_state == 1)", "{{state}}")]),
        _panel(
            "Pods that do not start",
            "timeseries",
            _HALF,
            [(f"sum by (memory) (fragtui_stuck_pods{{{_ON}}})", "memory {{memory}}")],
        ),
        _panel(
            "States by node, order $order",
            "state-timeline",
            _WHOLE,
            [(f'max by (instance) (fragtui_severity{{order="$order",{_ON}}})', "{{instance}}")],
            states,
        ),
        _panel(
            "Free blocks by order (full metrics, or node_exporter's buddyinfo)",
            "heatmap",
            _WHOLE,
            [
                (
                    f"sum by (order) (fragtui_free_blocks{{{_ON}}}) or sum by (order) "
                    f'(label_replace(node_buddyinfo_blocks{{{_ON}}}, "order", "$1", "size", "(.*)"))',
                    "{{order}}",
                )
            ],
        ),
        _panel(
            "Blocks of order $order, fewest first",
            "timeseries",
            _HALF,
            [(f'bottomk(20, fragtui_target_blocks{{order="$order",{_ON}}})', "{{instance}}")],
        ),
        _panel(
            "Largest free block by zone",
            "timeseries",
            _HALF,
            [(f"min by (instance, zone) (fragtui_largest_free_bytes{{{_ON}}})", "{{instance}} {{zone}}")],
            bytes_unit,
        ),
        _panel(
            "Failed requests by cause",
            "timeseries",
            _HALF,
            [
                (
                    f"sum by (cause) (increase(fragtui_allocation_failures_total{{{_ON}}}[$__rate_interval])) > 0",
                    "{{cause}}",
                )
            ],
        ),
        _panel(
            "Remedies by result",
            "timeseries",
            _HALF,
            [
                (
                    f"sum by (remedy, result) (increase(fragtui_remedies_total{{{_ON}}}[$__rate_interval])) > 0",
                    "{{remedy}} {{result}}",
                )
            ],
        ),
    ]
    column = row = 0
    for number, panel in enumerate(panels, 1):
        width = panel.pop("width")
        assert isinstance(width, int)
        panel |= {"id": number, "gridPos": {"h": _HEIGHT, "w": width, "x": column, "y": row}}
        panels[number - 1] = panel
        column += width
        if column >= _WHOLE:
            column, row = 0, row + _HEIGHT
    board = {
        "uid": "fragtui",
        "title": "fragtui: memory fragmentation",
        "tags": ["fragtui"],
        "schemaVersion": 36,
        "editable": True,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {
            "list": [
                _datasource(),
                _variable("instance", '{__name__=~"fragtui_severity|node_buddyinfo_blocks"}', multi=True),
                _variable("order", "fragtui_severity", multi=False),
            ]
        },
        "panels": panels,
    }
    return json.dumps(board, indent=2) + "\n"


def _panel(
    title: str, kind: str, width: int, targets: list[tuple[str, str]], defaults: Mapping[str, object] | None = None
) -> dict[str, object]:
    panel: dict[str, object] = {
        "title": title,
        "type": kind,
        "width": width,
        "datasource": _SOURCE,
        "fieldConfig": {"defaults": defaults or {}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": _SOURCE, "expr": expr, "legendFormat": legend}
            for index, (expr, legend) in enumerate(targets)
        ],
    }
    if kind == "heatmap":
        # Each series is a row by its legend; the colours are logarithmic, as the counts are.
        panel["options"] = {
            "calculate": False,
            "color": {"mode": "scheme", "scheme": "Oranges", "scale": "exponential", "exponent": 0.3, "steps": 64},
            "yAxis": {"axisLabel": "order"},
        }
    return panel


def _datasource() -> dict[str, object]:
    return {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}


def _variable(label: str, metrics: str, *, multi: bool) -> dict[str, object]:
    return {
        "name": label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": f"label_values({metrics}, {label})", "refId": label},
        "refresh": 2,
        "sort": 3,
        "multi": multi,
        "includeAll": multi,
        "allValue": ".*" if multi else None,
    }
