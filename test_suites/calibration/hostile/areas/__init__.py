"""Hostile services measured with the packs that an origin writes, by area."""
