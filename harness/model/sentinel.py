"""Sentinels: hosts and URLs agreed to be allowed or blocked, which check every batch."""

from __future__ import annotations

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from harness.model.declared import Declared
from harness.model.private_address import has_blank
from harness.model.verdict import Mechanism


def _host_or_url(text: str) -> str:
    """Return a host or http(s) URL as it is; raises ValueError for anything else."""
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(_HOST.fullmatch(parts.hostname or ""))
        is_url = is_url and (parts.port is None or parts.port > 0) and not has_blank(text)
    except ValueError:
        is_url = False
    if not (is_url if "://" in text else _HOST.fullmatch(text)):
        msg = f"{text!r} is neither a host nor an http(s) URL"
        raise ValueError(msg)
    return text


_HOST = re.compile(r"(?=.{1,253}\.?$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?)+")

HostOrUrl = Annotated[str, AfterValidator(_host_or_url)]


def _mechanism(name: object) -> object:
    """Parse the name of a mechanism; raises ValueError if it is unknown."""
    if not isinstance(name, str):
        return name
    try:
        return Mechanism(name)
    except ValueError:
        names = ", ".join(one.value for one in Mechanism if one is not Mechanism.NONE)
        msg = f"no mechanism {name!r}; known: {names}"
        raise ValueError(msg) from None


class Sentinel(Declared):
    """A host or URL, the probes that try it (default: all that can), and how it is blocked."""

    at: HostOrUrl
    probes: Annotated[tuple[str, ...], Field(strict=False)] = ()  # from JSON it comes as a list
    mechanism: Annotated[Mechanism | None, BeforeValidator(_mechanism)] = None

    def is_for(self, probe: str, address: str) -> bool:
        """Whether a probe tries it; ``address`` is the URL it would fetch, or empty.

        Unless probes are named, a URL is tried by probes of its scheme.
        """
        if self.probes:
            return probe in self.probes
        scheme = self.at.partition("://")[0]
        return scheme == self.at or not address or address.startswith(scheme + "://")

    @property
    def host(self) -> str:
        """Its host name."""
        return (urlsplit(self.at).hostname or "") if "://" in self.at else self.at

    @property
    def item_kind(self) -> Literal["host", "url"]:
        """What kind of item it is."""
        return "url" if "://" in self.at else "host"


AnySentinel = Annotated[
    Sentinel, BeforeValidator(lambda one: {"at": one} if isinstance(one, str) else one)
]
"""A sentinel; a plain string stands for its ``at``."""


class Sentinels(Declared):
    """Hosts and URLs agreed to be allowed or blocked; tried before and after every batch.

    Their names must not reveal their purpose or a category.
    """

    must_allow: tuple[AnySentinel, ...] = (Sentinel(at="amber-lantern.accredit.test"),)
    must_block: tuple[AnySentinel, ...] = (Sentinel(at="copper-meadow.accredit.test"),)

    @model_validator(mode="after")
    def _only_blocks_have_a_mechanism(self) -> Sentinels:
        for one in self.of("must_allow"):
            if one.mechanism is not None:
                msg = f"{one.at!r} is agreed to pass, so no mechanism can be agreed for it"
                raise ValueError(msg)
        return self

    def hosts(self, role: Literal["must_allow", "must_block"]) -> tuple[str, ...]:
        """Return the hosts of one role."""
        return tuple(one.host for one in self.of(role))

    def of(self, role: Literal["must_allow", "must_block"]) -> tuple[Sentinel, ...]:
        """Return the sentinels of one role."""
        return self.must_allow if role == "must_allow" else self.must_block
