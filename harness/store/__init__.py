"""What is kept: journal, evidence, registry."""
