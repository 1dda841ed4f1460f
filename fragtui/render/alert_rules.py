"""Prometheus alert rules for the exporter's metrics."""

from __future__ import annotations

from fragtui.model.node.verdict import COSTLY_ORDER, FEW_BLOCKS

_RULES = """\
groups:
  - name: fragtui
    rules:
      - alert: FragtuiOrderUnavailable
        # The second half is for lean metrics, which have no fragtui_order_available.
        expr: |-
          fragtui_order_available{{request="GFP_KERNEL",order="{order}"}} == 0
          or fragtui_target_blocks{{order="{order}"}} == 0
          unless on (instance, job) fragtui_order_available{{request="GFP_KERNEL",order="{order}"}}
        for: 2m
        labels:
          severity: {severity}
        annotations:
          summary: "No order-{order} block is available on {node}"
          description: "Requests of order {order} {fate}; fragtui check shows what would help."
      - alert: FragtuiOrderRunningOut
        expr: |-
          fragtui_target_blocks < {few}
          and on (instance, job) fragtui_order_available{{request="GFP_KERNEL",order="{order}"}} == 1
          or fragtui_target_blocks{{order="{order}"}} > 0 < {few}
          unless on (instance, job) fragtui_order_available{{request="GFP_KERNEL",order="{order}"}}
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: "{{{{ $value }}}} blocks of order {{{{ $labels.order }}}} left on {node}"
          description: "Large blocks are running out; free memory first, compact if that is not enough."
      - alert: FragtuiAllocationFailures
        expr: sum by (node, instance, job, cause) (increase(fragtui_allocation_failures_total[15m])) > 0
        labels:
          severity: warning
        annotations:
          summary: "Memory requests failed on {node} ({{{{ $labels.cause }}}})"
          description: "At least {{{{ $value | humanize }}}} requests failed in 15 minutes."
      - alert: FragtuiPodsStuckOnMemory
        expr: fragtui_stuck_pods{{memory="refused"}} > 0
        for: 2m
        labels:
          severity: critical
        annotations:
          summary: "{{{{ $value }}}} pods on {node} have not started: no memory block was available"
          description: "The kernel denied memory to their sandboxes; fragtui links each pod to its kernel report."
      - alert: FragtuiRemediesDoNotLast
        expr: sum by (node, instance, job) (increase(fragtui_remedies_total{{result="done"}}[1d])) >= 3
        labels:
          severity: warning
        annotations:
          summary: "Three remedies or more in a day on {node}"
          description: "Their effect does not last: fragtui history --advice lists settings that do."
      - alert: FragtuiBlind
        expr: |-
          fragtui_source_up{{source!~"api|kubelet_log"}} == 0
          or label_replace(
            max without (source) (fragtui_source_up{{source=~"api|kubelet_log"}}) == 0,
            "source", "API and kubelet log", "", "")
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: "fragtui can't read {{{{ $labels.source }}}} on {node}"
          description: |-
            Unknown there: the free blocks (buddyinfo, zoneinfo), denied requests (kernel_log), stuck pods (API and
            kubelet log), or what the other sources add. fragtui doctor says why.
"""


def alert_rules(order: int, few: int = FEW_BLOCKS) -> str:
    """Return the rules file for a target order. Requests up to COSTLY_ORDER wait, those above it fail."""
    costly = order > COSTLY_ORDER
    return _RULES.format(
        order=order,
        few=few,
        severity="critical" if costly else "warning",
        # In a pod the exporter names the Kubernetes node; `or` returns the first that is not empty.
        node="{{ or $labels.node $labels.instance }}",
        fate="fail unless compaction makes one" if costly else "wait for reclaim and compaction",
    )
