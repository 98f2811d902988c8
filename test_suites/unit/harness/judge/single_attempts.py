"""One attempt of a school's own check, built for tests."""

from __future__ import annotations

from typing import Any

from harness.judge.without_control import judge_alone
from harness.model.facts import Certificate, WebFacts
from harness.model.observation import Failure
from harness.model.school_check import CheckFacts, CheckTarget, Result

URL = "https://page.example/"
PUBLIC = Certificate(chain=("aa", "bb"), issuer="CN=R11,O=Let's Encrypt,C=US", trusted=True)
PRIVATE = Certificate(chain=("cc",), issuer="CN=Green School Filter", trusted=True)
NOTICE = "This website has been blocked by your school's filter."


def target(**changes: Any) -> CheckTarget:
    values: dict[str, Any] = {
        "id": "T", "part": "agency", "address": URL, "what": "a page", "mark": "MARK-1",
    } | changes  # fmt: skip
    return CheckTarget(**values)


def page(**changes: Any) -> WebFacts:
    values: dict[str, Any] = {
        "url": URL, "status": 200, "title": "A page", "text": "Some words.", "body_length": 40,
        "text_length": 11, "certificate": PRIVATE,
    } | changes  # fmt: skip
    return WebFacts(**values)


def fails(name: str, stage: Any = "connect", **changes: Any) -> Failure:
    return Failure(name=name, stage=stage, **changes)


def judged(tried: CheckFacts, block_page: str = "", **changes: Any) -> Result:
    return judge_alone(target(**changes), tried, block_page).result
