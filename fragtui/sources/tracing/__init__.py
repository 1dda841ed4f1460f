"""The kernel's trace events, read from an instance of tracefs of fragtui's own."""
