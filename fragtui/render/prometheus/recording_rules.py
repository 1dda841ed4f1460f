"""Recording rules that count blocks from node_exporter's metrics, for nodes without fragtui's exporter.

A rule loses no node. Orders differ by page size and architecture (ppc64le ends at 8, kernels with larger blocks above
10), so each block counts as many as its order has, and the orders are not added: an operand without an order would drop
the node. Where the asked order does not exist the value is NaN, which is unknown.
"""

from __future__ import annotations

_HIGHEST = 17
"""The highest order of any kernel (ARCH_FORCE_MAX_ORDER)."""
_RULES = """\
# Needs node_exporter with --collector.buddyinfo, and the second value --collector.zoneinfo too.
groups:
  - name: fragtui-fleet-order-{order}
    interval: 1m
    rules:
      # Free blocks of order {order} in each zone, larger ones as their multiple. Those of CMA count. The NUMA node is
      # in exported_node if the scrape job sets a label node.
      - record: instance_zone:node_free_blocks:sum
        labels:
          order: "{order}"
        expr: |-
          sum by (instance, job, node, exported_node, zone) (
            node_buddyinfo_blocks{{size=~"{sizes}",zone=~"DMA|DMA32|Normal"}}
            * on (size) group_left () (
              {numbers}
            )
          )
      # Those of the node, below the watermark too. ZONE_DMA counts only where no other zone serves kernel requests.
      - record: instance:node_free_blocks:sum
        labels:
          order: "{order}"
        expr: |-
          sum by (instance, job) (instance_zone:node_free_blocks:sum{{order="{order}",zone!="DMA"}})
          or on (instance, job) sum by (instance, job) (instance_zone:node_free_blocks:sum{{order="{order}"}})
          or on (instance, job) count by (instance, job) (node_buddyinfo_blocks{{size="0"}}) * NaN
      # Those of zones above their min watermark and lowmem reserve, by NUMA node; 0 of the other zones. ZONE_DMA counts
      # where it is above them, as for the kernel. None of a node whose zoneinfo is not collected.
      - record: instance_numa:node_free_blocks_above_watermark:sum
        labels:
          order: "{order}"
        expr: |-
          sum by (instance, job, node, exported_node) (
            instance_zone:node_free_blocks:sum{{order="{order}"}}
            * on (instance, job, node, exported_node, zone) max by (instance, job, node, exported_node, zone) (
              node_zoneinfo_nr_free_pages - node_zoneinfo_min_pages
              - (node_zoneinfo_protection_2 or node_zoneinfo_protection_1 or 0 * node_zoneinfo_min_pages)
              > bool {below}
            )
          )
      # Those of the node; NaN where zoneinfo is not collected.
      - record: instance:node_free_blocks_above_watermark:sum
        labels:
          order: "{order}"
        expr: |-
          sum by (instance, job) (instance_numa:node_free_blocks_above_watermark:sum{{order="{order}"}})
          or on (instance, job) count by (instance, job) (node_buddyinfo_blocks{{size="0"}}) * NaN
"""


def recording_rules(order: int) -> str:
    """Return the rules file for the blocks of one order."""
    sizes = range(order, max(order, _HIGHEST) + 1)
    numbers = "\n              or ".join(
        f'label_replace(vector({1 << (size - order)}), "size", "{size}", "", "")' for size in sizes
    )
    return _RULES.format(order=order, sizes="|".join(map(str, sizes)), numbers=numbers, below=(1 << order) - 1)
