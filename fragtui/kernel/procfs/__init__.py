"""Parsers of /proc texts."""
