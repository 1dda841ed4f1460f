"""One short module for each verb of the command line."""
