"""What a trace of the kernel's allocator shows: requests denied without a line, who fragments, who waits."""
