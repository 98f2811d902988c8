"""Second clients: independent ones that try again what the probes found blocked."""
