"""Read other people's measurement formats, and import them as journals."""
