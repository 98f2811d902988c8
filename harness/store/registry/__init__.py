"""The registry: append-only, hash-chained events in a database."""
