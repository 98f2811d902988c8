"""Hostile services measured with the packs that an origin writes, in twelve areas."""
