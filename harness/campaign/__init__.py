"""Read and check a campaign file; build its lines, probes and items."""
