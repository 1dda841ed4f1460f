"""Stuck pods: their state, the tracker, and what links a pod to a kernel report."""
