"""``accredit conclude``: holds a journal against a scheme, without sending a packet."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.compose import print_assessment
from harness.cli.drawing import terminal
from harness.cli.paths import Places, journal_folder, places_of_journal
from harness.cli.printing import say_json
from harness.cli.registry_session import appeals_in, head_of_registry
from harness.cli.scheme_review import warn
from harness.model.outcome import Assessment
from harness.ports.storage import Clock

JOURNAL = Annotated[Path, typer.Argument(help="The journal folder, or the campaign's folder.")]
SCHEME = Annotated[
    str | None, typer.Option(help="A shipped scheme or a file; default: the campaign's own.")
]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def conclude_command(journal: JOURNAL, scheme: SCHEME = None, *, json: JSON = False) -> None:
    """Assess a journal against a scheme. Exit 0 conforms, 1 does not conform, 3 insufficient."""
    assessment, _ = conclude_journal(journal, scheme)
    for sentence in assessment.warnings:
        warn(sentence)
    tell(assessment, json=json)
    raise typer.Exit(assessment.exit_code)


def conclude_journal(
    path: Path, scheme: str | None = None, clock: Clock | None = None
) -> tuple[Assessment, Places]:
    """Conclude from a journal folder; keeps the assessment beside the journal."""
    from harness.model.campaign import Campaign  # noqa: PLC0415 - the same
    from harness.pipeline import conclude  # noqa: PLC0415 - scipy is heavy
    from harness.schemes.load import load_scheme  # noqa: PLC0415 - the same
    from harness.store.assessments import write_assessment  # noqa: PLC0415 - the same
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - duckdb is heavy
    from harness.verdicts.corrected_labels import hear  # noqa: PLC0415 - keep the start light
    from harness.verdicts.verdict_folder import VerdictFolder  # noqa: PLC0415 - the same

    folder = journal_folder(path)
    places = places_of_journal(folder)
    journal = open_journal(folder)
    try:
        journal.require_unchanged()
        declared = Campaign.model_validate_json(journal.header["campaign"])
        heard = hear(journal, appeals_in(places.registry))
        kept = VerdictFolder(places.verdicts)
        chosen = load_scheme(scheme or declared.scheme)
        assessment = conclude(heard, chosen, clock, verdicts=kept)
        head = journal.head.printed()
    finally:
        journal.close()
    noted = head_of_registry(places.registry)
    assessment = replace(assessment, journal_head=head, registry_head=noted)
    write_assessment(assessment, places.assessment)
    return assessment, places


def tell(assessment: Assessment, *, json: bool) -> None:
    """Print an assessment: a table for people, or JSON for programs."""
    if json:
        from harness.store.assessments import encode_assessment  # noqa: PLC0415 - heavy

        say_json(encode_assessment(assessment))
        return
    print_assessment(assessment, terminal())
