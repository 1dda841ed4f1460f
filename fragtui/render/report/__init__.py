"""The sections of the report that are short enough for one page, and Markdown."""
