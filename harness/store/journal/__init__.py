"""The journal: append-only, hash-chained segments of observations."""
