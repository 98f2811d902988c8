"""Hubs, the people and agents around them, and examples of their pages, for tests."""
