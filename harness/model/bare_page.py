"""Up to which length a text says nothing: one bound for who reads pages and who judges them."""

from __future__ import annotations

BARE = 60
"""Characters of visible text up to which a page says nothing by itself."""
