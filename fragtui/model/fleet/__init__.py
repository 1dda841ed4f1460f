"""Many nodes by what a Prometheus knows of them: one row a node, ranked worst first."""
