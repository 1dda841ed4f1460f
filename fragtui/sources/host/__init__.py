"""The host: identity, one tick of /proc, settings, saved trees."""
