"""Measure the items of a campaign over its lines; write observations and draw no conclusions."""
