"""Where kernel log lines come from: /dev/kmsg, the journal, log files."""
