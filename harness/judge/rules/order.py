"""The rules that turn a trial into a verdict: data, in order, the first that matches wins.

A rule's id is a promise: it stands in every verdict, so it is never reused for another
meaning. A new branch is a new rule and a calibration case. Order: first what voids the
trial, then truth (the token), then each way of saying no, and at last doubt.
"""

from __future__ import annotations

import hashlib
from importlib.resources import files

from harness.judge.rules.dns import DNS_RULES, HTTPS_RULES
from harness.judge.rules.preconditions import GROUND_RULES, PRIVATE_RULES
from harness.judge.rules.web import WEB_RULES
from harness.judge.rules.web_pages import PAGE_RULES
from harness.judge.trial_features import Rule

SOURCES = ("harness.judge", "harness.judge.rules")
"""The packages whose code and data judge."""


def _digest_of_rules() -> str:
    """The first digits of the SHA-256 over the code and data that judge."""
    digest = hashlib.sha256()
    for package in SOURCES:
        inside = (one for one in files(package).iterdir() if one.name.endswith((".py", ".toml")))
        for source in sorted(inside, key=lambda one: one.name):
            digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:12]


RULES_VERSION = f"1+{_digest_of_rules()}"
"""Kept with each verdict; changes with any change to what judges, however small."""

RULES: tuple[Rule, ...] = (
    *GROUND_RULES,
    *HTTPS_RULES,
    *DNS_RULES,
    *PRIVATE_RULES,
    *WEB_RULES,
    *PAGE_RULES,
)
