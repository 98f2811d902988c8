"""Read and check a campaign file, and build its lines, probes and items."""
