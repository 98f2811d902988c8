"""Benchmarks: each goal is measured side by side with a reference, as a ratio."""
