"""Importers: one list format a file."""
