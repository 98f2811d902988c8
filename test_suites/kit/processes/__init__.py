"""Commands of tests as processes."""
