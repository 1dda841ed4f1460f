"""Pages that fill the screen: help, history, incident, recovery."""
