"""Verbs that look: screen, check, explain, report, gfp, history."""
