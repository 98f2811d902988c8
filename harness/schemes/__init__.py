"""Minimum specifications, one YAML file a profile, and their reader."""
