"""Decide outcomes: measurements compared with requirements."""
