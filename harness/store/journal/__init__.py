"""The journal: append-only segments of observations, hash-chained."""
