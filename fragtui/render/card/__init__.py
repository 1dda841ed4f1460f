"""The incident card, and the sentences that it is made of."""
