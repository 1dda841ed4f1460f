"""Screens: the live one, the replay, and their actions."""
