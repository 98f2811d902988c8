"""The registry: hash-chained streams of events, and rows that are derived from them."""
