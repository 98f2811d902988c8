"""``accredit journal verify``: check that nothing was changed.

With ``--head`` also that nothing was changed since a head printed in an earlier report or bundle,
with ``--witness`` that it continues what a witness signed.
"""

from __future__ import annotations

from typing import Annotated

import typer

from harness.cli.paths import JOURNAL, journal_folder, paths_of_journal
from harness.cli.printing import say
from harness.cli.signed_statements import stated_in
from harness.cli.unchanged_campaign import evidence_in_words, faults_of, require_no_faults
from harness.cli.witness_options import AUTHORITY, KEYS, TOKEN, WITNESS, Asked
from harness.errors import InstrumentError, UsageError

journal_app = typer.Typer(no_args_is_help=True)

HEAD = Annotated[
    str,
    typer.Option(
        help="A head printed earlier in a report or bundle: at least its first 16 digits."
    ),
]
DIGITS = 16
"""The least number of hexadecimal digits that identify a hash."""


@journal_app.callback()
def about_journals() -> None:
    """Check journals."""


@journal_app.command("verify")
def verify_journal(
    journal: JOURNAL,
    head: HEAD = "",
    witness: WITNESS = "",
    witness_key: KEYS = None,
    token_file: TOKEN = None,
    authority: AUTHORITY = None,
) -> None:
    """Check every byte of a campaign; with --head also that it continues from a printed head.

    Checked are the journal and all files in its folder, the evidence by the digests in the
    observations, cached verdicts, the heads in assessments, and what witnesses signed of it;
    --witness asks one of them. Each fault is named; exit 4.
    """
    from harness.cli.present_heads import chains_of_journal  # noqa: PLC0415 - heavy as well
    from harness.cli.witness_check import witness_lines  # noqa: PLC0415 - the same
    from harness.store.journal.journal import SegmentJournal  # noqa: PLC0415 - numpy is heavy
    from harness.store.journal.reader import past_heads  # noqa: PLC0415 - the same

    folder = journal_folder(journal)
    opened, paths = SegmentJournal(folder), paths_of_journal(folder)
    require_no_faults(faults_of(paths, opened))
    opened.require_complete()
    stated_in(opened)  # verifies the signatures of reviewers
    lines = [
        f"{folder}: unchanged: {opened.rows:,} observations; head {opened.head.hash}",
        evidence_in_words(paths, opened),
    ]
    if head:
        heads = {each.hash: f"{each.rows:,} observations" for each in past_heads(opened)}
        lines.append(continues_from(head, heads, str(folder)))
    asked = Asked(witness, witness_key, token_file, authority)
    lines += witness_lines(chains_of_journal(opened), asked)
    say(*lines)


def continues_from(head: str, heads: dict[str, str], where: str) -> str:
    """A sentence that says what is unchanged since a printed head.

    ``heads`` are all heads that the journal or registry had, each with what it covers. Raises
    UsageError if the text is not a head, InstrumentError if it is not among them.
    """
    wanted = head.strip().lower()
    if len(wanted) < DIGITS or not set(wanted) <= set("0123456789abcdef"):
        msg = f"--head {head!r} is not a head; give at least its first {DIGITS} hexadecimal digits"
        raise UsageError(msg)
    for known_head, covers in heads.items():
        if known_head.startswith(wanted):
            return f"it continues from the printed head: {covers} are unchanged since then"
    msg = (
        f"{where}: never had the head {wanted}: it was rewritten or cut since that head was "
        "printed, or the head belongs to another journal or registry"
    )
    raise InstrumentError(msg)
