"""Hostile inputs, through every command that reads them."""
