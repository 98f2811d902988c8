"""The room that reads lists: packs, importers, exporters, taxonomy, lint and signing."""
