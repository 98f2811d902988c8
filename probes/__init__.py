"""The room that touches the network: probes, lines, fleets and the range."""
