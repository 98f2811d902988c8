"""Which browser an attempt's requests look like: a number, drawn from the campaign's seed.

The profiles themselves are the probes' (``probes.net.browser_profiles``).
"""

from __future__ import annotations

import hashlib

from harness.model.observation import AttemptKey


def browser_number(seed: str, attempt: AttemptKey) -> int:
    """A number below 2**32 for an attempt: the same on every line, at every try and resume."""
    text = "\x1f".join(
        ("browser", seed, attempt.item, attempt.probe, attempt.profile, str(attempt.round))
    )
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")
