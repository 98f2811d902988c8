"""The journal of a campaign: begun with the declared scheme and the signatures beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from harness.campaign.assemble import Prepared
from harness.cli.paths import CampaignPaths
from harness.cli.trusted_content import signatures_beside
from harness.model.journal_header import JournalHeader
from harness.model.marker import new_run
from harness.schemes.load import load_scheme

if TYPE_CHECKING:
    from harness.store.journal.journal import SegmentJournal


def journal_of(prepared: Prepared, paths: CampaignPaths, header: JournalHeader) -> SegmentJournal:
    """Resume the journal of a campaign, or begin it, with the scheme that the campaign declares.

    Signatures beside the scheme's file and in the folders of packs are kept with it.

    Raises UsageError if it was begun with another declaration, InstrumentError.
    """
    from harness.store.journal.journal import SegmentJournal  # noqa: PLC0415 - numpy is heavy
    from harness.store.journal.scheme_file import keep_scheme  # noqa: PLC0415 - the same
    from harness.store.journal.signature_files import keep_signature  # noqa: PLC0415 - the same

    journal = SegmentJournal.open_or_create(paths.journal, header.as_document())
    if journal.header.measured_with:
        keep_scheme(paths.journal, load_scheme(prepared.campaign.scheme))
    for signature in signatures_beside(prepared.campaign.scheme, prepared.corpora):
        keep_signature(paths.journal, signature)
    return journal


def run_id_in(journal: Path) -> str:
    """The id of the run in a journal, or a new one if there is no journal.

    Empty for a journal of an older version, which has no id.
    """
    from harness.store.journal.header import header_document  # noqa: PLC0415 - keep the start light

    held = header_document(journal)
    return str(held.get("run", "")) if held else new_run()
