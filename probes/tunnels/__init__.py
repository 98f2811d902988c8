"""Tunnels by real programs: for each protocol the client's end, and the far end at the origin."""
