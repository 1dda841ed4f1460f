"""Recordings: writing, reading, playing."""
