"""Files read and written safely: trust, bounds, rotation, compression."""
