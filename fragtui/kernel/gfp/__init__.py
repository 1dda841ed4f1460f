"""GFP masks: decoding, meanings, tables of all kernel versions."""
