"""``accredit bundle``: make and verify signed bundles; import and export measurements.

``make`` puts a campaign into one signed file, ``verify`` checks it, and ``send`` takes it to a hub.
``import`` writes a journal from other people's measurements, and ``export`` writes a journal in
their format.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec
import typer

from harness.cli.bundle_send import send_command
from harness.cli.compose import open_pack
from harness.cli.conclude import SCHEME, conclude_journal
from harness.cli.declared_scheme import judging_scheme
from harness.cli.judge import JudgedAgain, judge_again, lines_of
from harness.cli.paths import journal_folder
from harness.cli.printing import say, say_json
from harness.cli.registry_facts import appeals_in
from harness.cli.seed_commitments import record_disclosure
from harness.cli.unchanged_campaign import open_unchanged
from harness.errors import UsageError
from harness.interop import MEASUREMENT_IMPORTERS
from harness.model.campaign import Campaign
from harness.model.service_declaration import BlockPage
from harness.model.signature import BY_NAME_ONLY
from harness.ports.storage import WallClock
from harness.schemes.check import resolve
from harness.yaml_reader import read_document, validate

if TYPE_CHECKING:
    from harness.interop.intake import SkippedLine
    from harness.model.outcome import Assessment
    from harness.store.bundle_reading import Bundle
    from harness.store.journal.journal import SegmentJournal

PACKS = Annotated[
    list[Path] | None,
    typer.Option("--pack", help="The folder of a pack that is not shipped; repeatable."),
]


SHOWN = 20
"""How many differences are printed."""


def make_command(
    journal: Annotated[Path, typer.Argument(help="The journal folder, or the campaign's folder.")],
    key: Annotated[Path, typer.Option(help="Your private Ed25519 key, a PEM file.")],
    out: Annotated[Path, typer.Option(help="The new bundle, such as autumn.accredit.zip.")],
    scheme: SCHEME = None,
    pack: PACKS = None,
    *,
    reveal_seed: Annotated[
        bool,
        typer.Option("--reveal-seed", help="Include the seed; use it when the campaign is over."),
    ] = False,
) -> None:
    """Conclude, and put the campaign into one signed file: journal, scheme, corpora, assessment.

    The bundle holds no page bodies, and no corpus items other than those in the journal. It holds
    the seed of the samples only with --reveal-seed.
    """
    made = make_bundle(journal, key, out, scheme, pack or (), reveal_seed=reveal_seed)
    result = _result_of(made.assessment)
    say(f"bundle: {out} ({made.files} files, {result}, signed by key {made.key})")


class MadeBundle(NamedTuple):
    """What a bundle holds: its assessment, the number of its files; and the id of its key."""

    assessment: Assessment
    files: int
    key: str


def make_bundle(
    journal: Path,
    key: Path,
    out: Path,
    scheme: str | None = None,
    packs: Sequence[Path] = (),
    *,
    reveal_seed: bool = False,
) -> MadeBundle:
    """Conclude a journal, and write the bundle ``out``; ``packs`` are folders that are not shipped.

    Raises UsageError if the bundle exists already, or the journal is not complete.
    """
    from harness.store.assessments import encode_assessment  # noqa: PLC0415 - the same
    from harness.store.bundle import journal_files, write_bundle  # noqa: PLC0415 - the same
    from harness.store.journal.header import SEED  # noqa: PLC0415 - keep the start light
    from harness.store.journal.journal import open_journal  # noqa: PLC0415 - numpy is heavy
    from harness.verdicts.corrected_labels import appeals_to_hand_over  # noqa: PLC0415 - keep the start light

    folder = journal_folder(journal)
    opened = open_journal(folder)
    opened.verify()
    declared = opened.header.campaign
    files: dict[str, bytes | Path] = {**journal_files(folder)}
    if reveal_seed and (folder / SEED).exists():
        files[f"journal/{SEED}"] = folder / SEED
    elif not reveal_seed:
        declared = declared.model_copy(update={"seed": ""})
    files |= _manifests(opened, declared, packs)
    resolved = judging_scheme(folder, opened.header, scheme)
    declared = declared.model_copy(update={"scheme": resolve(declared.scheme)})
    assessment, paths = conclude_journal(folder, scheme)
    files |= {
        "campaign.json": _readable(declared.model_dump(mode="json")),
        "scheme.json": _readable(resolved.model_dump(mode="json")),
        "assessment.json": encode_assessment(assessment) + b"\n",
        "registry.json": _readable(_registry(assessment)),
        "appeals.json": _readable(appeals_to_hand_over(opened, appeals_in(paths.registry))),
    }
    identity = write_bundle(out, files, assessment, key)
    record_disclosure(opened.header, paths, "bundle", WallClock())
    return MadeBundle(assessment, len(files), identity)


NO_REGISTRATION = "not recorded: it was concluded by a version that looked for none"


def _result_of(assessment: Assessment) -> str:
    """The conformity, with the limit of the assessment if it has one."""
    limit = f": {assessment.limit}" if assessment.limit else ""
    return f"{assessment.conformity.value}{limit}"


def verify_command(
    bundle: Annotated[Path, typer.Argument(help="The bundle.")],
    key: Annotated[list[Path], typer.Option(help="A public key that you trust; repeatable.")],
    campaign: Annotated[
        str, typer.Option(help="The expected campaign; a bundle of another one is refused.")
    ] = "",
) -> None:
    """Verify a bundle offline: its signature, every byte, and its assessment.

    The journal is judged again and compared with the assessment. Exit 2 if a check fails; exit 3 if
    the installed judging rules differ from those of the assessment and give another result.
    """
    from harness.store.bundle_reading import opened_bundle, raise_faults  # noqa: PLC0415 - heavy

    with opened_bundle(bundle, key, campaign) as opened:
        again = judge_again(opened)
        differing = [f"not supported by the journal: {each}" for each in again.differences]
        if again.is_same_version:
            raise_faults(bundle, differing)
        say(*_verified(bundle, opened, again))
    if differing:
        raise typer.Exit(3)


def _verified(path: Path, bundle: Bundle, again: JudgedAgain) -> list[str]:
    """The lines that describe a verified bundle."""
    assessment, registry = bundle.assessment, bundle.registry
    at = f"event {registry['events']}, {registry['last_hash']}" if registry else "none"
    if (owners := assessment.owner_head) is not None:
        at += f"; registry of appeals: event {owners.held}, {owners.hash}"
    if again.is_same_version:
        judged = f"judged again by the same rules ({again.installed}): same result"
    else:
        result = f"{len(again.differences)} differences" if again.differences else "same result"
        judged = (
            f"recorded with judging rules {again.recorded}, judged again with the installed ones "
            f"({again.installed}): {result}"
        )
    scheme = f"{assessment.scheme} {assessment.scheme_version}"
    concluded = f"concluded {assessment.concluded:%Y-%m-%d %H:%M %Z}"
    heads = f"head of the journal: {bundle.journal.head.hash}; registry: {at}"
    return [
        f"{path}: verified; signed by key {bundle.signed_by}",
        f"campaign {assessment.campaign}, scheme {scheme}, {concluded}: {_result_of(assessment)}",
        f"{bundle.files} files, {bundle.journal.rows} observations; {heads}",
        judged,
        *(f"  {each}" for each in again.differences[:SHOWN]),
        *_vouched(assessment),
    ]


def _vouched(assessment: Assessment) -> Iterator[str]:
    """Yield who declared a campaign, dated it and stands behind it, or that nothing shows it."""
    from reports.phrases import registration, vouched_time, witnesses  # noqa: PLC0415 - heavy

    yield f"registration: {registration(assessment) or NO_REGISTRATION}"
    yield f"time: {vouched_time(assessment)}"
    yield from (f"witness: {each}" for each in witnesses(assessment))
    answers = [each for one in assessment.outcomes if one.people for each in one.people.answers]
    if names := dict.fromkeys(each.reviewer for each in answers if each.is_by_name_only):
        yield f"people: {BY_NAME_ONLY}: {', '.join(names)}"


def _manifests(
    journal: SegmentJournal, declared: Campaign, packs: Sequence[Path]
) -> dict[str, bytes | Path]:
    """The manifests of the corpora that the journal was measured with, by name in the bundle."""
    if journal.header.foreign:
        return {}
    shipped = [each.pack for each in declared.corpora if "/" not in each.pack]
    folders: dict[str, Path] = {}
    for named in (*map(str, packs), *shipped):
        try:
            corpus = open_pack(named, checked=journal.header.corpora)
        except UsageError:
            if named in shipped:
                continue  # a folder beside the campaign file: --pack says where that is
            raise
        pack = corpus.reference
        folders[pack.identity] = corpus.directory
    for reference in journal.header.corpora:
        if reference not in folders:
            name, version, sha256 = reference.split(" ")
            msg = (
                f"pack {name!r} {version} ({sha256[:12]}) of this journal was not found; "
                "give its folder with --pack FOLDER"
            )
            raise UsageError(msg)
    return {
        f"corpora/{reference.split(' ')[0]}/datapackage.json": folders[reference]
        / "datapackage.json"
        for reference in journal.header.corpora
    }


def _registry(assessment: Assessment) -> dict[str, Any]:
    """The head of the registry: the number of its events, and the hash of the last one."""
    head = assessment.registry_head
    return {} if head is None else {"events": head.held, "last_hash": head.hash}


def _readable(document: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


app = typer.Typer(no_args_is_help=True)
app.command("make")(make_command)
app.command("verify")(verify_command)
app.command("send")(send_command)


NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="JSON lines; - reads standard input.")],
    form: Annotated[str, typer.Option("--format", help="See: accredit list importers.")],
    out: Annotated[Path, typer.Option(help="The new campaign folder; the campaign gets its name.")],
    block_page: Annotated[
        Path | None,
        typer.Option(help="A YAML file with the title, text or host of the supplier's block page."),
    ] = None,
) -> None:
    """Write a journal from other people's measurements: complete, or not at all.

    A line that cannot be read, or that repeats another, is left out and reported as a JSON line on
    standard error; if a line could not be read, the exit code is 2. "accredit conclude OUT" then
    counts verdicts but decides nothing, because no sentinels were measured.
    """
    from harness.interop.intake import foreign_header, import_measurements, journal_once_complete  # noqa: PLC0415 - numpy is heavy

    read = MEASUREMENT_IMPORTERS.find(form)
    name = out.resolve().name
    if not NAME.fullmatch(name):
        msg = f"{out}: the folder's name becomes the campaign's: use letters, digits, '.', '_', '-'"
        raise UsageError(msg)
    source = "standard input" if str(file) == "-" else file.name
    declared = validate(read_document(block_page), BlockPage) if block_page else None
    header = foreign_header(name, form, source, _digest(file), declared)
    journal = out / "journal"
    with journal_once_complete(journal, header) as opened:
        intake = import_measurements(lines_of(file), read, opened, _print_trouble_of(file))
        if not intake.taken:
            msg = f"{file}: no line is a readable measurement; nothing was written"
            raise UsageError(msg)
    say(f"journal: {journal} ({intake.taken} measurements)")
    raise typer.Exit(2 if intake.broken else 0)


@app.command("export")
def export_command(
    journal: Annotated[Path, typer.Argument(help="The journal folder, or the campaign's folder.")],
    form: Annotated[str, typer.Option("--format", help="See: accredit list exporters.")],
    out: Annotated[Path, typer.Option(help="The file to write, one measurement per line.")],
) -> None:
    """Write a journal's trials as measurements of another format. S4 items are left out."""
    from harness.store.atomic_write import write_lines  # noqa: PLC0415 - keep the start light
    from reports.exports import JOURNAL_EXPORTERS  # noqa: PLC0415 - only an export needs it

    export = JOURNAL_EXPORTERS.find(form)
    left_out: Counter[str] = Counter()
    opened = open_unchanged(journal_folder(journal))
    with contextlib.closing(opened):
        written = write_lines(out, export(opened, left_out))
    say(f"written: {out} ({written} measurements)")
    for why, number in sorted(left_out.items()):
        say(f"left out: {number} trials {why}")


def _print_trouble_of(file: Path) -> Callable[[SkippedLine], None]:
    """A function that prints a line's trouble as a JSON line on standard error."""

    def print_trouble(trouble: SkippedLine) -> None:
        key = "repeated" if trouble.repeated else "error"
        report = {"file": str(file), "line": trouble.line, key: trouble.reason}
        say_json(json.dumps(report, ensure_ascii=False), to_stderr=True)

    return print_trouble


def _digest(file: Path) -> str:
    """The file's SHA-256; empty for standard input, which can be read only once."""
    if str(file) == "-":
        return ""
    digest = hashlib.sha256()
    for line in lines_of(file):
        digest.update(line)
    return digest.hexdigest()
