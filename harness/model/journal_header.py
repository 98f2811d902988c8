"""The journal header: what was declared and chosen before the first observation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import ValidationError

from harness.model.batch import count_batches
from harness.model.campaign import Campaign
from harness.model.content_identity import Parts
from harness.model.corpus import CorpusReference
from harness.model.probe import ProbeDeclaration
from harness.model.run_record import SeedCommitment, SeedPart


class LabelAudit(msgspec.Struct, frozen=True, kw_only=True):
    """The audited labels of a pack, and how many of them were wrong."""

    items: int
    wrong: int


class PackNote(msgspec.Struct, frozen=True, kw_only=True):
    """Who may know the items of a pack, how they were drawn, and the audit of their labels.

    ``agreement`` is Krippendorff's alpha between the raters who labelled it, if it was measured.
    The defaults are agreed items that everybody may know. ``kind`` may be one that this version
    does not know.
    """

    name: str = ""
    audience: str = "public"
    design: str = ""
    kind: str = "agreed"
    audit: LabelAudit | None = None
    agreement: float | None = None

    @classmethod
    def of(cls, reference: CorpusReference) -> PackNote:
        """The facts of a pack that a header records; the label audit only if there was one."""
        audit = LabelAudit(items=reference.audited, wrong=reference.audited_wrong)
        return cls(
            name=reference.name,
            audience=reference.audience,
            design=reference.design,
            kind=reference.kind,
            audit=audit if reference.audited else None,
            agreement=reference.agreement,
        )


class JournalHeader(msgspec.Struct, frozen=True, kw_only=True):
    """What was declared and chosen when a journal was created.

    ``corpora`` are its packs as ``name version sha256``, ``packs`` the same by the mark that items
    bear; ``items`` is how many were chosen, ``frames`` how many of each category there were to
    choose from. ``retrials`` says that what was blocked is to be tried again, ``run`` is in every
    nonce, ``probes`` is what each probe declared. ``foreign`` is the format of other people's
    measurements, empty for our own. ``commitment`` is what the registry held of the seed when
    the run began, ``seed_part`` what a second party added to it. ``not_chosen`` is how many
    techniques of each class the campaign left out. ``measured_with`` are the parts that it was
    measured with, by content; the text of the declared scheme is kept beside the header.
    Journals of earlier versions say less: what is missing has its default.
    """

    campaign: Campaign
    corpora: tuple[str, ...] = ()
    packs: dict[str, PackNote] = {}
    items: int | None = None
    frames: dict[str, int] = {}
    retrials: bool = False
    seed_commitment: str = ""
    instrument: str = ""
    run: str = ""
    probes: dict[str, ProbeDeclaration] = {}
    foreign: str = ""
    commitment: SeedCommitment | None = None
    not_chosen: dict[str, int] = {}
    seed_part: SeedPart | None = None
    measured_with: Parts = ()

    @property
    def identity(self) -> tuple[str, ...]:
        """What tells this journal from others: what people state in it is signed for this alone."""
        service = self.campaign.service
        return (
            "statement",
            self.campaign.campaign,
            service.supplier,
            service.name,
            self.run,
            self.seed_commitment,
        )

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> JournalHeader:
        """Read the JSON object of a header, in which the campaign is a JSON text.

        Keys that are not known are ignored, and null counts as missing. Raises ValueError that
        says in one line what is wrong.
        """
        stated = {name: value for name, value in document.items() if value is not None}
        return msgspec.convert(stated, cls, dec_hook=_decode)

    def as_document(self) -> dict[str, Any]:
        """Return the JSON object of the header, as it is written for a new journal.

        Of other people's measurements nothing was planned, so that nothing of it is stated.
        """
        document: dict[str, Any] = msgspec.to_builtins(
            self, enc_hook=_encode, order="deterministic"
        )
        document["corpora"] = list(self.corpora)
        if self.foreign:
            return {name: document[name] for name in ("campaign", "corpora", "foreign")}
        for note in document["packs"].values():
            for name in ("audit", "agreement"):
                if note[name] is None:
                    del note[name]
        if not self.not_chosen:
            del document["not_chosen"]
        if not self.measured_with:
            del document["measured_with"]
        return {name: value for name, value in document.items() if value not in ("", None)}

    @property
    def batches_planned(self) -> int:
        """How many batches the items make; none of what other people measured was planned."""
        if self.foreign or self.items is None:
            return 0
        return count_batches(self.campaign, self.items)


def _decode(kind: type, value: object) -> Any:
    """Read the campaign. Raises ValueError without what the text holds: it may be a secret."""
    if kind is not Campaign or not isinstance(value, str):
        msg = f"a campaign is a JSON text, not {type(value).__name__}"
        raise ValueError(msg)
    try:
        return Campaign.model_validate_json(value)
    except ValidationError as error:
        raise ValueError("; ".join(_faults(error))) from None


def _faults(error: ValidationError) -> list[str]:
    """Return the path and the message of each validation error."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    named = ((".".join(map(str, detail["loc"])), detail["msg"]) for detail in details)
    return [f"{place}: {reason}" if place else reason for place, reason in named]


def _encode(value: object) -> str:
    if isinstance(value, Campaign):
        return value.model_dump_json()
    raise NotImplementedError


msgspec.json.Decoder(JournalHeader, dec_hook=_decode)
"""Made once, for threads: see test_suites/house/test_decoders.py."""
