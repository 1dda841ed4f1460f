"""Lines of logs as people and machines keep them, parsed to records. Pure: no I/O."""
