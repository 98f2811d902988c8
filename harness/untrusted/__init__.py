"""Handling untrusted text and files: bounded reading, escaping, and hiding passwords."""
