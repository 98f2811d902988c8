"""Compare metrics with requirements: conforms, does not conform, or insufficient."""
