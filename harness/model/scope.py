"""The scope of a campaign: the whole service, or its web filtering alone."""

from __future__ import annotations

from typing import Literal

Scope = Literal["service", "web"]

SCOPE_WORDS: dict[Scope, str] = {"service": "", "web": "web filtering only"}
"""How a scope limits what is said; empty for the whole service."""
