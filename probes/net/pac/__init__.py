"""Proxy auto-configuration: which way a browser goes, by a script that a school gives it."""
