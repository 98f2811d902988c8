"""Campaigns, and what is read of them, for tests."""
