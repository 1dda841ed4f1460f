"""Verbs that record, replay and export."""
