"""The room that thinks and remembers: model, stages, schemes, store, pipeline and command line."""
