"""The harness against real filtering products."""
