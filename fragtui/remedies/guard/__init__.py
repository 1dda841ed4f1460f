"""The guard: its policy, its rules, its loop."""
