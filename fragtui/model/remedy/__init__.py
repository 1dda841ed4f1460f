"""Remedies judged: forecast, risk, recovery, history, tuning advice."""
