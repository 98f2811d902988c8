"""Fleets: where probes run."""
