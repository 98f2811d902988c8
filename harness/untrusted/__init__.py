"""Text and files from outside: read within limits, and shown without effect."""
