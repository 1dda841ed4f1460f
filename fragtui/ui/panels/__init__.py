"""The panels of the dashboard, one file each."""
