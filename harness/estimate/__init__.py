"""Turn counted verdicts into metrics, each with its uncertainty."""
