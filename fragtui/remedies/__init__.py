"""All writing to the node: remedies, run in a child process and logged first."""
