"""Protocols by which the stages use other packages without importing them."""
