"""All writing: what can be done to the node, done in a child process and put on record first."""
