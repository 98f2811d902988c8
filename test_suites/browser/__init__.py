"""The documents in a real browser."""
