"""Verbs that write to the kernel: drop-caches, compact, guard."""
