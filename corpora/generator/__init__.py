"""Generator of the shipped packs. It runs from a checkout and is not in the wheel."""
