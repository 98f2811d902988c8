"""Findings and action plans, which only a conforming re-test can close."""
