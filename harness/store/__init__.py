"""What is kept: journals, evidence, the registry and bundles."""
