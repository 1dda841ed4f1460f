"""Verbs that print files to install: manifests, zipapp, completions, man page."""
