"""The Kubernetes API, read in a child process."""
