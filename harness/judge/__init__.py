"""Turn trials into verdicts, by rules that are data."""
