"""Measurements of other people, read as trials."""
