"""What Prometheus and Grafana get besides the full metrics: lean metrics, recording rules, a dashboard."""
