"""fragtui: memory fragmentation on a Linux node, live, with what it breaks and what heals it."""

__version__ = "0.1.0"
