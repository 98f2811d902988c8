"""Judging: trials become verdicts, by rules that are data."""
