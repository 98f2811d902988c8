"""The model, the stages, the stores and the command line."""
