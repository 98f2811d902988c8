"""Events about checks of certified services in the field, in the owner's stream.

The owner commits to the seed of a period, draws services and sites by it, adds sites on complaint,
and records what a visit of a site showed (surveillance, ISO/IEC 17065:2012, 7.9).
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from harness.model.event import Event
from harness.model.outcome import Conformity
from harness.model.stream import same_name

LEAST_SHARE, LEAST_SITES = 0.02, 10
"""What SUP-10 asks for: the share of certificates drawn a year, and sites of each service."""

CheckKind = Literal["randomized", "reactive"]
"""Why a site is visited: the seed drew it, or somebody complained."""


class CheckedService(msgspec.Struct, frozen=True, kw_only=True):
    """A certified version of a service by a scheme; ``stream`` is that of its ``supplier``."""

    stream: str
    supplier: str
    service: str
    version: str
    scheme: str

    @property
    def identity(self) -> tuple[str, ...]:
        """What it is known by: case, spaces and invisible characters of names do not count."""
        return self.stream, same_name(self.service), same_name(self.version), self.scheme


class DrawnService(CheckedService, frozen=True, kw_only=True):
    """A service that was drawn, its certificate, and its drawn sites in the order of the seed.

    ``of_sites`` is how many sites its supplier had on record; all are drawn if they are too few.
    """

    certificate: str
    sites: tuple[str, ...]
    of_sites: int


class StreamPart(msgspec.Struct, frozen=True, kw_only=True):
    """The first ``events`` of a stream: what of it was recorded at the time of a draw."""

    stream: str
    events: int


class FieldEvent(Event, frozen=True, kw_only=True):
    """The field of all of them: the ``period``, a year such as ``2027``."""

    period: str

    @property
    def about(self) -> str:
        """The period."""
        return f"field:{self.period}"


class FieldSeedCommitted(FieldEvent, frozen=True, kw_only=True, tag="field-seed-committed"):
    """Somebody committed to the seed of a period; ``commitment`` is its SHA-256.

    The seed will draw the ``share`` of the certificates that are valid then, and so many ``sites``
    of each service.
    """

    commitment: str
    share: float = LEAST_SHARE
    sites: int = LEAST_SITES


class FieldDrawn(FieldEvent, frozen=True, kw_only=True, tag="field-drawn"):
    """The seed was revealed, and drew services and sites.

    ``certificates`` is how many were valid, ``frame`` the SHA-256 of them with their sites, and
    ``streams`` what they follow from.
    """

    seed: str
    frame: str
    certificates: int
    services: tuple[DrawnService, ...]
    streams: tuple[StreamPart, ...]


class SiteEvent(FieldEvent, frozen=True, kw_only=True):
    """An event about one ``site`` of a service."""

    checked: CheckedService
    site: str

    @property
    def place(self) -> tuple[str, ...]:
        """The service and the site, as names are compared."""
        return *self.checked.identity, same_name(self.site)


class FieldSiteAdded(SiteEvent, frozen=True, kw_only=True, tag="field-site-added"):
    """A site is to be visited on complaint: ``because`` is the complaint's name, or the reason."""

    because: str


class FieldVisited(SiteEvent, frozen=True, kw_only=True, tag="field-visited"):
    """A campaign at a site was concluded: what the certified service did there.

    ``journal`` is the hash of its head, ``begun`` the time of its first observation.
    ``limited_to`` is what the result is limited to, such as "web filtering only".
    """

    kind: CheckKind
    campaign: str
    journal: str
    begun: datetime
    conformity: Conformity
    limited_to: str = ""
