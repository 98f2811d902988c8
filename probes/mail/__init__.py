"""Mail of the test: what it holds by agreement, and how mail that arrived is read."""
