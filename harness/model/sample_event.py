"""Events about samples: commitments to their seeds, and items that became known."""

from __future__ import annotations

from harness.model.event import Event


class SampleEvent(Event, frozen=True, kw_only=True):
    """The fields of both: the campaign, and its packs as ``name version sha256``."""

    campaign: str
    corpora: tuple[str, ...]

    @property
    def about(self) -> str:
        """The campaign."""
        return f"sample:{self.campaign}"


class SeedCommitted(
    SampleEvent, frozen=True, kw_only=True, tag="seed-committed", omit_defaults=True
):
    """Somebody committed to the seed of a campaign of a service before measuring it.

    ``commitment`` is the SHA-256 of the seed, ``sample`` the digest of the ids of the ``items``
    that the seed chooses. ``public`` names a public value of a later time that is added to it.
    """

    service: str
    commitment: str
    sample: str
    items: int
    public: str = ""


class SeedContributed(
    SampleEvent, frozen=True, kw_only=True, tag="seed-contributed", omit_defaults=True
):
    """A second party gave its part of a campaign's seed after the tester committed to the first.

    ``commitment`` is that of the first part. ``value`` was drawn for the actor, or is that of the
    source ``public``, which the commitment named.
    """

    commitment: str
    value: str
    public: str = ""


class SampleDisclosed(SampleEvent, frozen=True, kw_only=True, tag="sample-disclosed"):
    """The items of a campaign left the tester's hands; ``corpora`` are its hidden packs.

    ``by`` says how, such as ``bundle``.
    """

    by: str
