"""What our facts hold and OONI's data format has no key for: stands under ``x_accredit``.

A measurement that we exported can so be judged again as it was. A canary's token is not among
it: only our own origin's log proves that one, and a file does not.
"""

from __future__ import annotations

import re

import msgspec

from harness.interop.record import Side
from harness.model.observation import Certificate, Failure, Hop, Stage, WebFacts

_TOKEN = re.compile(r"ACCREDIT-TOKEN-[0-9A-F]*|(?<![0-9A-Za-z])[0-9a-f]{32}(?![0-9A-Za-z])")
"""What a token looks like, in older journals too."""


class Beyond(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts of one web answer by their names in ``WebFacts``, and where and why it failed.

    What is ``None`` stands in a key of OONI's own, or is not known.
    """

    stage: Stage | None = None
    detail: str = ""
    certificate: Certificate | None = None
    url: str | None = None
    tunnel_status: int | None = None
    hops: tuple[Hop, ...] | None = None
    peer: str | None = None
    title: str | None = None
    text: str | None = None
    frames: tuple[str, ...] | None = None
    body_length: int | None = None
    body_sha256: str | None = None
    truncated: bool | None = None
    choices: tuple[str, ...] | None = None


SERVICE = (
    "tunnel_status", "peer", "title", "text", "frames", "body_length", "body_sha256", "truncated",
    "choices",
)  # fmt: skip
"""What a transaction of OONI does not say, where the body itself is not written."""

CONTROL = (
    "url", "tunnel_status", "hops", "peer", "text", "frames", "body_sha256", "truncated", "choices",
)  # fmt: skip
"""What the test helper's answer does not say."""


def go_beyond(side: Side, names: tuple[str, ...]) -> Beyond:
    """What stands beside OONI's keys for one side: the facts of these ``names``."""
    facts, failure = side.facts, side.failure
    web = _without_token(facts) if isinstance(facts, WebFacts) else None
    return Beyond(
        stage=failure.stage if failure is not None else None,
        detail=failure.detail if failure is not None else "",
        certificate=web.certificate if web is not None else None,
        **{name: getattr(web, name) for name in names if web is not None},
    )


def _without_token(web: WebFacts) -> WebFacts:
    return msgspec.structs.replace(
        web, title=_TOKEN.sub("", web.title), text=_TOKEN.sub("", web.text)
    )


def restore(side: Side, beyond: Beyond | None) -> Side:
    """The side with what stood beside OONI's keys; as it was where nothing did."""
    if beyond is None:
        return side
    facts, failure = side.facts, side.failure
    if isinstance(facts, WebFacts):
        named = {name: getattr(beyond, name) for name in (*SERVICE, *CONTROL)}
        held = {name: value for name, value in named.items() if value is not None}
        facts = msgspec.structs.replace(facts, certificate=beyond.certificate, **held)
    if failure is not None and beyond.stage is not None:
        failure = Failure(name=failure.name, stage=beyond.stage, detail=beyond.detail)
    return Side(facts=facts, failure=failure)
