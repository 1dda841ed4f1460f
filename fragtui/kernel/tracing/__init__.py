"""Text of tracefs: the formats of events, and their lines."""
