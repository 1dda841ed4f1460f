"""Panels that are drawn on some screens and in some states only: each is imported when it is first shown."""
