"""The full screen of a fleet, and that of one of its nodes."""
