"""Lines: one way to the internet a file."""
