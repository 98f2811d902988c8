"""Time, size and work in tests."""
