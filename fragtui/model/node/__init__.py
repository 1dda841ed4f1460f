"""One node's memory: snapshots, indices, watermarks, verdicts, rates, history."""
