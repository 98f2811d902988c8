"""Documents: one a file."""
