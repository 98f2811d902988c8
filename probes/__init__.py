"""Probes, lines, network clients and the test range: the only package that uses the network."""
