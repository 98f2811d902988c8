"""Compute metrics, and their bounds, from counted verdicts."""
