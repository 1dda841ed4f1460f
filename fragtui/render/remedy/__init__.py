"""Text about remedies: the question before one, the result of one, the guard."""
