"""Hostile and broken suppliers of filters, and the check that none of them conforms."""
