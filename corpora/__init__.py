"""Packs of categorised items: read, write, import, export, sample, check and sign them."""
