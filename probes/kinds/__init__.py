"""The built-in probes: one way of trying an item a class."""
