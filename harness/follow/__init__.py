"""Findings and action plans; only a conforming re-test can close a plan."""
