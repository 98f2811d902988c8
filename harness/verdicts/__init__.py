"""Judge journals, cache their verdicts, and count them with DuckDB."""
