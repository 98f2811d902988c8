"""Exporters: one list format a file."""
