"""Benchmarks: each goal measured side by side with its anchor, in one run, as a ratio."""
