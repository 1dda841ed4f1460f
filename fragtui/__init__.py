"""fragtui: memory fragmentation on a Linux node, live: what fails because of it and what frees blocks."""

__version__ = "0.1.0"
