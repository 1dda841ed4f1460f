"""The audit log: where it is, writing it, reading it back."""
