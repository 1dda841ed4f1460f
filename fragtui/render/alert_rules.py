"""Prometheus alerts on the exporter's metrics, as a rules file."""

from __future__ import annotations

from fragtui.model.node.verdict import COSTLY_ORDER, FEW_BLOCKS

_RULES = """\
groups:
  - name: fragtui
    rules:
      - alert: FragtuiOrderUnavailable
        expr: fragtui_order_available{{request="GFP_KERNEL",order="{order}"}} == 0
        for: 2m
        labels:
          severity: {severity}
        annotations:
          summary: "No order-{order} block can be had at once on {{{{ $labels.instance }}}}"
          description: "Requests of order {order} {fate}; fragtui check says what would help."
      - alert: FragtuiOrderRunningOut
        expr: |-
          fragtui_target_blocks < {few}
          and on (instance, job) fragtui_order_available{{request="GFP_KERNEL",order="{order}"}} == 1
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: "{{{{ $value }}}} blocks of order {{{{ $labels.order }}}} left on {{{{ $labels.instance }}}}"
          description: "Large blocks are about to run out; free memory first, compact if that is not enough."
      - alert: FragtuiAllocationFailures
        expr: sum by (instance, job, cause) (increase(fragtui_allocation_failures_total[15m])) > 0
        labels:
          severity: warning
        annotations:
          summary: "The kernel of {{{{ $labels.instance }}}} refused memory ({{{{ $labels.cause }}}})"
          description: "At least {{{{ $value | humanize }}}} requests were refused in 15 minutes."
      - alert: FragtuiPodsStuckOnMemory
        expr: fragtui_stuck_pods{{memory="refused"}} > 0
        for: 2m
        labels:
          severity: critical
        annotations:
          summary: "{{{{ $value }}}} pods on {{{{ $labels.instance }}}} do not start for want of memory blocks"
          description: "The kernel refused memory to their sandboxes; the screen of fragtui links each to its report."
      - alert: FragtuiRemediesDoNotLast
        expr: sum by (instance, job) (increase(fragtui_remedies_total{{result="done"}}[1d])) >= 3
        labels:
          severity: warning
        annotations:
          summary: "Three remedies or more in a day on {{{{ $labels.instance }}}}"
          description: "Treating it again and again does not last: see the advice of fragtui history --advice."
      - alert: FragtuiBlind
        expr: fragtui_source_up{{source="buddyinfo"}} == 0
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: "fragtui can't read the free blocks of {{{{ $labels.instance }}}}"
          description: "Nothing is known of this node's fragmentation."
"""


def alert_rules(order: int) -> str:
    """Return the rules file for a target order: up to the costly limit a request waits, above it it is refused."""
    costly = order > COSTLY_ORDER
    return _RULES.format(
        order=order,
        few=FEW_BLOCKS,
        severity="critical" if costly else "warning",
        fate="are refused unless compaction finds one" if costly else "wait for reclaim and compaction",
    )
