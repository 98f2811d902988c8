"""List importers, grouped by kind of list; ``corpora.read_list`` has their table."""
