"""The built-in probes, one class each."""
