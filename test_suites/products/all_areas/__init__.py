"""Campaigns of all areas over real products, whose findings are compared with the origin's log."""
