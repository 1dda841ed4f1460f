"""What the values mean: verdicts, causes, forecasts. Pure: no I/O."""
