"""Makes the shipped packs; not part of the installed package."""
