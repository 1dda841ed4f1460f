"""Dialogs that wait for an answer."""
