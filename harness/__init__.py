"""The model, the stages, the stores and the command line."""

VERSION = "0.1.0"
"""The version of the program; the distribution's is taken from here."""
