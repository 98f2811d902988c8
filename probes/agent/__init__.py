"""The agent of a site: how it reaches its hub, what waits to be sent, and versions offered."""
