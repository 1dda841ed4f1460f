"""Texts and objects of kubelet, container runtimes and the Kubernetes API, parsed to values. Pure: no I/O."""
