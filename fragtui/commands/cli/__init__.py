"""The command line: parser, options, signals, sources."""
