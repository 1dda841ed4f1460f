"""The configuration of node-problem-detector that runs ``fragtui check`` as a custom plugin."""

from __future__ import annotations

import json

from fragtui.render.card.npd import MAX_BYTES

_SECONDS = 10
"""Limit of one run: it takes 75 ms of CPU, but a node out of memory is slow."""


def npd_monitor(program: str) -> str:
    """Return the JSON for ``--config.custom-plugin-monitor``; `program` is fragtui's path, as that program sees it."""
    config = {
        "plugin": "custom",
        "pluginConfig": {
            "invoke_interval": "60s",
            "timeout": f"{_SECONDS}s",
            "max_output_length": MAX_BYTES,
            "concurrency": 1,
            "enable_message_change_based_condition_update": False,
        },
        "source": "fragtui-custom-plugin-monitor",
        "metricsReporting": True,
        "conditions": [
            {
                "type": "MemoryFragmented",
                "reason": "LargeBlocksAvailable",
                "message": "large blocks of memory are available",
            }
        ],
        "rules": [
            {
                "type": "permanent",
                "condition": "MemoryFragmented",
                "reason": "NoLargeBlocks",
                "path": program,
                "args": ["check", "--plugin", "npd"],
                "timeout": f"{_SECONDS}s",
            }
        ],
    }
    return json.dumps(config, indent=2) + "\n"
