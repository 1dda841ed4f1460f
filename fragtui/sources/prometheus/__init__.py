"""Reading a fleet from a server that speaks Prometheus' HTTP API."""
