"""``accredit bundle``: what is handed over, signed; other people's measurements in, ours out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from harness.cli.compose import load_and_warn, open_pack
from harness.cli.conclude import SCHEME, conclude_journal
from harness.cli.judge import JudgedAgain, judge_again
from harness.cli.paths import journal_folder
from harness.cli.printing import say
from harness.cli.registry_session import appeals_in
from harness.errors import UsageError
from harness.model.campaign import Campaign
from harness.schemes.check import resolve

if TYPE_CHECKING:
    from harness.model.outcome import Assessment
    from harness.store.bundle_reading import Bundle
    from harness.store.journal.journal import SegmentJournal
import contextlib
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

from harness.cli.judge import lines_of
from harness.cli.printing import say_json
from harness.interop.record import MEASUREMENT_IMPORTERS
from harness.model.campaign import BlockPage
from harness.yaml_reader import read_document, validate
from reports.exports import JOURNAL_EXPORTERS

if TYPE_CHECKING:
    from harness.interop.intake import SkippedLine


PACKS = Annotated[
    list[Path] | None,
    typer.Option("--pack", help="The folder of a pack that is not a shipped one; repeatable."),
]


SHOWN = 20
"""How many differences are told."""


def make_command(
    journal: Annotated[Path, typer.Argument(help="The journal folder, or the campaign's folder.")],
    key: Annotated[Path, typer.Option(help="Your private Ed25519 key, a PEM file.")],
    out: Annotated[Path, typer.Option(help="The new bundle, such as autumn.accredit.zip.")],
    scheme: SCHEME = None,
    pack: PACKS = None,
    *,
    reveal_seed: Annotated[
        bool, typer.Option("--reveal-seed", help="Put the seed in: the campaign is over.")
    ] = False,
) -> None:
    """Conclude, and put the campaign into one signed file: journal, scheme, corpora, assessment.

    No page that was seen is in it, nor any item of a corpus but as the journal has it; nor the
    seed that samples were drawn by, unless it is revealed.
    """
    from harness.store.assessments import encode_assessment  # noqa: PLC0415 - the same
    from harness.store.bundle import journal_files, write_bundle  # noqa: PLC0415 - the same
    from harness.store.journal.header import SEED  # noqa: PLC0415 - keep the start light
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - duckdb is heavy
    from harness.verdicts.corrected_labels import appeals_that_concern  # noqa: PLC0415 - keep the start light

    folder = journal_folder(journal)
    opened = open_journal(folder)
    opened.verify()
    declared = opened.header.campaign
    files: dict[str, bytes | Path] = {**journal_files(folder)}
    if reveal_seed and (folder / SEED).exists():
        files[f"journal/{SEED}"] = folder / SEED
    elif not reveal_seed:
        declared = declared.model_copy(update={"seed": ""})
    files |= _manifests(opened, declared, pack or ())
    resolved = load_and_warn(scheme or declared.scheme)
    declared = declared.model_copy(update={"scheme": resolve(declared.scheme)})
    assessment, places = conclude_journal(folder, scheme)
    files |= {
        "campaign.json": _readable(declared.model_dump(mode="json")),
        "scheme.json": _readable(resolved.model_dump(mode="json")),
        "assessment.json": encode_assessment(assessment) + b"\n",
        "registry.json": _readable(_registry(assessment)),
        "appeals.json": _readable(appeals_that_concern(opened, appeals_in(places.registry))),
    }
    identity = write_bundle(out, files, assessment, key)
    told = f"{len(files)} files, {_told(assessment)}, signed by key {identity}"
    say(f"bundle: {out} ({told})")


def _told(assessment: Assessment) -> str:
    """The conformity with its limit, if it has one."""
    limit = f": {assessment.qualifier}" if assessment.qualifier else ""
    return f"{assessment.conformity.value}{limit}"


def verify_command(
    bundle: Annotated[Path, typer.Argument(help="The bundle.")],
    key: Annotated[list[Path], typer.Option(help="A public key that you trust; repeatable.")],
    campaign: Annotated[
        str, typer.Option(help="The campaign that it must be of: refuses an old bundle of another.")
    ] = "",
) -> None:
    """Verify a bundle offline: who signed it, every byte, and that its journal says the same.

    Exit 2 if anything does not hold; 3 if the installed judging rules are other than those of
    the assessment, and give another one.
    """
    from harness.store.bundle_reading import opened_bundle, tell  # noqa: PLC0415 - heavy

    with opened_bundle(bundle, key, campaign) as held:
        again = judge_again(held)
        differing = [f"the journal does not say that: {one}" for one in again.differences]
        if again.is_same_version:
            tell(bundle, differing)
        say(*_verified(bundle, held, again))
    if differing:
        raise typer.Exit(3)


def _verified(path: Path, held: Bundle, again: JudgedAgain) -> list[str]:
    """What a bundle that holds says, line by line."""
    assessment, registry = held.assessment, held.registry
    at = f"event {registry['events']}, {registry['last_hash']}" if registry else "none"
    if again.is_same_version:
        told = f"judged again by the same rules ({again.installed}): the same"
    else:
        result = f"{len(again.differences)} places differ" if again.differences else "the same"
        told = (
            f"recorded by judging rules {again.recorded}, judged again by those installed "
            f"({again.installed}): {result}"
        )
    against = f"{assessment.scheme} {assessment.scheme_version}"
    concluded = f"concluded {assessment.concluded:%Y-%m-%d %H:%M %Z}"
    heads = f"head of the journal: {held.journal.head.hash}; registry: {at}"
    return [
        f"{path}: holds; signed by key {held.signed_by}",
        f"campaign {assessment.campaign} against {against}, {concluded}: {_told(assessment)}",
        f"{held.files} files, {held.journal.rows} observations; {heads}",
        told,
        *(f"  {one}" for one in again.differences[:SHOWN]),
    ]


def _manifests(
    journal: SegmentJournal, declared: Campaign, packs: Sequence[Path]
) -> dict[str, bytes | Path]:
    """The manifests of the corpora that the journal was measured with, by name in the bundle."""
    if journal.header.foreign:
        return {}
    shipped = [each.pack for each in declared.corpora if "/" not in each.pack]
    found: dict[str, Path] = {}
    for named in (*map(str, packs), *shipped):
        try:
            corpus = open_pack(named, checked=journal.header.corpora)
        except UsageError:
            if named in shipped:
                continue  # a folder beside the campaign file: --pack says where that is
            raise
        one = corpus.reference
        found[f"{one.name} {one.version} {one.sha256}"] = corpus.directory
    for reference in journal.header.corpora:
        if reference not in found:
            name, version, sha256 = reference.split(" ")
            msg = (
                f"pack {name!r} {version} ({sha256[:12]}) of this journal is not here; "
                "say where it is with --pack FOLDER"
            )
            raise UsageError(msg)
    return {
        f"corpora/{reference.split(' ')[0]}/datapackage.json": found[reference] / "datapackage.json"
        for reference in journal.header.corpora
    }


def _registry(assessment: Assessment) -> dict[str, Any]:
    """How far the registry's chain goes, and the hash that stands for all of it."""
    head = assessment.registry_head
    return {} if head is None else {"events": head.held, "last_hash": head.hash}


def _readable(document: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


app = typer.Typer(no_args_is_help=True)
app.command("make")(make_command)
app.command("verify")(verify_command)


NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="JSON lines; - reads standard input.")],
    form: Annotated[str, typer.Option("--format", help="See: accredit list importers.")],
    out: Annotated[Path, typer.Option(help="The new campaign folder; its name is the campaign's.")],
    block_page: Annotated[
        Path | None,
        typer.Option(help="A YAML file with title, text or host of the supplier's block page."),
    ] = None,
) -> None:
    """Write a journal from other people's measurements: whole, or not at all.

    A line that cannot be read or repeats another becomes a JSON line on standard error and is
    left out; after a broken one the exit code is 2. "accredit conclude OUT" then counts
    verdicts, and decides nothing: nobody measured sentinels.
    """
    from harness.interop.intake import foreign_header, import_measurements, journal_once_complete  # noqa: PLC0415 - duckdb is heavy

    read = MEASUREMENT_IMPORTERS.find(form)
    name = out.resolve().name
    if not NAME.fullmatch(name):
        msg = f"{out}: a campaign is called like its folder: letters, digits, '.', '_', '-'"
        raise UsageError(msg)
    source = "standard input" if str(file) == "-" else file.name
    declared = validate(read_document(block_page), BlockPage) if block_page else None
    header = foreign_header(name, form, source, _digest(file), declared)
    journal = out / "journal"
    with journal_once_complete(journal, header) as opened:
        intake = import_measurements(lines_of(file), read, opened, _teller(file))
        if not intake.taken:
            msg = f"{file}: no line of it is a measurement that can be read; nothing was written"
            raise UsageError(msg)
    say(f"journal: {journal} ({intake.taken} measurements)")
    raise typer.Exit(2 if intake.broken else 0)


@app.command("export")
def export_command(
    journal: Annotated[Path, typer.Argument(help="The journal folder, or the campaign's folder.")],
    form: Annotated[str, typer.Option("--format", help="See: accredit list exporters.")],
    out: Annotated[Path, typer.Option(help="The file to write: one measurement a line.")],
) -> None:
    """Write a journal's trials as measurements of another format. S4 items are left out."""
    from harness.store.atomic_write import write_lines  # noqa: PLC0415 - keep the start light
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - duckdb is heavy

    export = JOURNAL_EXPORTERS.find(form)
    left_out: Counter[str] = Counter()
    opened = open_journal(journal_folder(journal))
    with contextlib.closing(opened):
        written = write_lines(out, export(opened, left_out))
    say(f"written: {out} ({written} measurements)")
    for why, number in sorted(left_out.items()):
        say(f"left out: {number} trials {why}")


def _teller(file: Path) -> Callable[[SkippedLine], None]:
    def tell(trouble: SkippedLine) -> None:
        key = "repeated" if trouble.repeated else "error"
        told = {"file": str(file), "line": trouble.line, key: trouble.reason}
        say_json(json.dumps(told, ensure_ascii=False), to_stderr=True)

    return tell


def _digest(file: Path) -> str:
    """The file's SHA-256; nothing for standard input, which can be read but once."""
    if str(file) == "-":
        return ""
    digest = hashlib.sha256()
    for line in lines_of(file):
        digest.update(line)
    return digest.hexdigest()
