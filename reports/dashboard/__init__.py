"""The web application of a hub."""
