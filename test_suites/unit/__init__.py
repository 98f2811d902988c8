"""Unit tests, one file a module, in the same places as the modules."""
