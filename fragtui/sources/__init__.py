"""All reading: host files under an injected root, the kernel log, log files, the cluster."""
