"""Text the kernel writes, parsed to values. Pure: no I/O."""
