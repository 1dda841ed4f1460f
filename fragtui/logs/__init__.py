"""Log lines in every format that people and machines keep them, parsed into records. Pure: no I/O."""
