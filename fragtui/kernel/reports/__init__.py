"""Reports in the kernel log: allocation failures, stalls, OOM kills."""
