"""Logs and pods of a saved tree."""
