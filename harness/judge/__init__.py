"""Judge trials: turn pairs of observations into verdicts, by rules that are data."""
