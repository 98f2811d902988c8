"""Verdicts kept beside a journal, and the counts of what became of items."""
