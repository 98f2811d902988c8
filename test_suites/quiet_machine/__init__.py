"""A machine that is always quiet, for programs that tests start."""
