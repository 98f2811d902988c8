"""The range: an origin and a reference filter on loopback, whose truth is known."""
