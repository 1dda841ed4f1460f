"""The words of a trace: its tables, the same on the screen, in the report and for `explain`."""
