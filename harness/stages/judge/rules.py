"""The rules that turn a trial into a verdict: data, in order, the first that matches wins.

A rule's id is a promise: it stands in every verdict, so it is never reused for another
meaning. A new branch is a new rule and a calibration case. Order: first what voids the
trial, then truth (the token), then each way of saying no, and at last doubt.
"""

from __future__ import annotations

from harness.stages.judge.rule import Rule
from harness.stages.judge.rules_dns import DNS_RULES
from harness.stages.judge.rules_ground import GROUND_RULES
from harness.stages.judge.rules_https import HTTPS_RULES
from harness.stages.judge.rules_page import PAGE_RULES
from harness.stages.judge.rules_private import PRIVATE_RULES
from harness.stages.judge.rules_web import WEB_RULES

RULES_VERSION = "1"
"""Kept with each verdict; grows when a rule is added, moved or changed."""

RULES: tuple[Rule, ...] = (
    *GROUND_RULES,
    *HTTPS_RULES,
    *DNS_RULES,
    *PRIVATE_RULES,
    *WEB_RULES,
    *PAGE_RULES,
)
