"""Minimum specifications: the shipped schemes, policies and catalogue (YAML), and their loader."""
