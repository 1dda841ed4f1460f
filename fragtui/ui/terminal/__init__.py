"""The terminal itself: driver, input, output, signals."""
