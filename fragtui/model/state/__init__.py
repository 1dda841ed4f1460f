"""The state of the node in one object: blocks, denied requests, stuck pods, and what to do next."""
