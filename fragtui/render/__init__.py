"""Model facts put into words, tables and wire formats: one wording for the screen, the verbs and the exporter."""
