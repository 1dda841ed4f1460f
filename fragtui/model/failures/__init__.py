"""Kernel reports judged: incidents, their causes and explanations, the failure list."""
