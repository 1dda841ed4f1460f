"""The words, the table and the JSON of a fleet."""
