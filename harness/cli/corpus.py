"""``accredit corpus``: packs (read, check, sample, sign, import, export), raters and appeals."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import typer
from rich.table import Table

from corpora.lint import lint
from corpora.pack_reader import compare_packs
from corpora.ranks import read_ranks
from corpora.sampler import sample_pack
from harness.cli.compose import open_pack
from harness.cli.drawing import terminal
from harness.cli.given_times import utc_time
from harness.cli.paths import OUT, CampaignPaths
from harness.cli.printing import say, say_json, warn
from harness.cli.registry_session import OWNERS, current_user, open_session
from harness.errors import FaultyDocument, UsageError
from harness.model.corpus import Appeal, Item
from harness.model.event import AppealDecided
from harness.model.plain_twin import is_ordinary
from harness.ports.corpora import Corpus
from harness.ports.storage import WallClock

Frame = Literal["uniform", "popularity"]
Audience = Literal["public", "supplier", "assessor", "sealed"]


def sample_command(
    pack: Annotated[str, typer.Argument(help="Name of a shipped pack, or its folder.")],
    out: Annotated[Path, typer.Option("--out", help="A new folder for the pack.")],
    size: Annotated[int, typer.Option("--size", min=1, help="Items per stratum.")],
    seed: Annotated[str, typer.Option("--seed", help="Keep it secret until the campaign is over.")],
    *,
    category: Annotated[list[str] | None, typer.Option(help="Only these categories.")] = None,
    by: Annotated[
        str, typer.Option("--by", help="Strata: category,popularity,language, or some of these.")
    ] = "category",
    frame: Annotated[
        Frame,
        typer.Option("--frame", help="Count every item equally, or by its site's popularity."),
    ] = "uniform",
    ranks: Annotated[
        Path | None, typer.Option("--ranks", help="A CSV of domain popularity: rank,domain.")
    ] = None,
    audience: Annotated[
        Audience | None, typer.Option("--audience", help="Who may know its items.")
    ] = None,
    use_limit: Annotated[
        int | None,
        typer.Option("--use-limit", min=1, help="Retire the pack after this many campaigns."),
    ] = None,
    one_per_domain: Annotated[
        bool,
        typer.Option(
            "--one-per-domain/--many-per-domain", help="Draw one item per registrable domain."
        ),
    ] = True,
) -> None:
    """Draw a seeded sample of each stratum into a new pack."""
    if not seed:
        msg = "--seed is empty; give a text that nobody can guess"
        raise UsageError(msg)
    sample = sample_pack(
        open_pack(pack, rows=False),
        out=out,
        seed=seed,
        size=size,
        categories=tuple(category or ()),
        by=tuple(name.strip() for name in by.split(",")),
        frame=frame,
        ranks=read_ranks(ranks) if ranks else None,
        one_per_domain=one_per_domain,
        audience=audience,
        use_limit=use_limit,
    )
    commitment = sample.manifest.accredit.sampling.seed_commitment
    say(f"{out}: {sample.size} items; commitment to the seed: {commitment}")


EXIT_CODES = {"reliable": 0, "tentative": 3, "unknown": 3, "unreliable": 1}
STANDINGS = {
    "reliable": "reliable: good enough for accreditation",
    "tentative": "tentative: good enough for self-tests only, not for accreditation",
    "unreliable": "unreliable: draw no conclusions from these labels",
    "unknown": "unknown: no item has two ratings, or all ratings are the same label",
}


def agree_command(
    ratings: Annotated[Path, typer.Argument(help="CSV with the columns item, rater, label.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure rater agreement. Exit 0 reliable (0.80), 3 tentative (0.667) or unknown, else 1."""
    from corpora.rater_agreement import measure_agreement, read_ratings  # noqa: PLC0415 - numpy is heavy

    agreement = measure_agreement(read_ratings(ratings))
    standing = agreement.standing
    if json:
        data = asdict(agreement) | {"standing": standing}
        say_json(msgspec.json.encode(data))
    elif agreement.alpha is None:
        say(f"Krippendorff's alpha: none; {STANDINGS[standing]}")
    else:
        between = (
            f"{agreement.confidence:.0%} interval {agreement.lower:.3f} to {agreement.upper:.3f}"
        )
        say(
            f"Krippendorff's alpha {agreement.alpha:.3f} ({between}), {agreement.units} items, "
            f"{agreement.percent:.1%} of pairs agree",
            STANDINGS[standing],
        )
    raise typer.Exit(EXIT_CODES[standing])


def appeal_command(
    pack: Annotated[str, typer.Argument(help="Name of a shipped pack, or its folder.")],
    item: Annotated[str, typer.Argument(help="The id of the wrongly labelled item.")],
    label: Annotated[
        list[str],
        typer.Option("--label", help="The right label; repeatable, the first one counts."),
    ],
    reason: Annotated[str, typer.Option("--reason", help="The reason, for the record.")],
    appellant: Annotated[str, typer.Option("--appellant", help="Who appealed.")],
    by: Annotated[
        str, typer.Option(help="Who decides (default: you); not the one who appealed.")
    ] = "",
    out: Annotated[Path, typer.Option(help="Where results are.")] = OUT,
    *,
    reject: Annotated[
        bool, typer.Option("--reject", help="Reject the appeal: the label stays.")
    ] = False,
) -> None:
    """Decide an appeal against a label. If upheld, campaigns are re-scored when concluded again."""
    corpus = open_pack(pack)
    before = next((entry.labels for entry in corpus.items() if entry.id == item), None)
    if before is None:
        msg = f"pack {pack!r} has no item {item!r}"
        raise UsageError(msg)
    for code in label:
        if code not in corpus.taxonomy:
            msg = f"--label {code!r} is not a category; see the codes in taxonomy.csv"
            raise UsageError(msg)
    appeal = Appeal(
        pack=corpus.reference.name,
        item=item,
        before=before,
        labels=tuple(label),
        reason=reason,
        appellant=appellant,
        upheld=not reject,
    )
    decided = AppealDecided(at=WallClock().now(), actor=by or current_user(), appeal=appeal)
    with open_session(CampaignPaths(out=out, campaign="").registry, create=True) as session:
        session.record(OWNERS, decided)
    change = f"{'|'.join(before)} -> {'|'.join(label)}"
    ending = "rejected, the label stays" if reject else "upheld; conclude the campaigns again"
    say(f"{appeal.pack} {item}: {change}: {ending}")


app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

PackArgument = Annotated[str, typer.Argument(help="Name of a shipped pack, or its folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Out = Annotated[Path, typer.Option("--out", help="A new folder for the pack.")]


@app.command("info")
def info_command(pack: PackArgument, *, json: Json = False) -> None:
    """Show a pack's manifest and digest, and its items by category and kind."""
    corpus = open_pack(pack)
    strata = Counter(item.stratum or item.category for item in corpus.items())
    kinds = Counter(item.kind for item in corpus.items())
    data: dict[str, Any] = {
        **msgspec.to_builtins(corpus.reference),
        "licence": corpus.manifest.licenses[0].name,
        "sensitivity": corpus.manifest.accredit.sensitivity,
        "audience": corpus.manifest.accredit.release.audience,
        "items": strata.total(),
        "kinds": ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())),
    }
    if json:
        _print_json(data | {"strata": dict(sorted(strata.items()))})
        return
    table = Table(box=None, show_header=False)
    for key, value in data.items():
        table.add_row(key, str(value))
    counts = Table("stratum", "items", box=None)
    for stratum, count in sorted(strata.items()):
        counts.add_row(stratum, str(count))
    printed = terminal()
    printed.print(table)
    printed.print(counts)


@app.command("lint")
def lint_command(pack: PackArgument, *, json: Json = False) -> None:
    """Check a pack for faults, and for weaknesses that affect its figures. Exit 2 if any."""
    faults = lint(open_pack(pack))
    if json:
        _print_json(faults)
    if faults and not json:
        raise FaultyDocument(tuple(faults))
    if faults:
        raise typer.Exit(UsageError.exit_code)
    if not json:
        say(f"{pack}: no faults found")


@app.command("sign")
def sign_command(
    pack: PackArgument,
    key: Annotated[Path, typer.Option("--key", help="Private Ed25519 key, PEM.")],
) -> None:
    """Sign a pack's manifest, which covers every file of the pack."""
    from corpora.signing import sign_pack  # noqa: PLC0415 - cryptography is heavy

    identity = sign_pack(open_pack(pack), key)
    say(f"{pack}: signed by key {identity}")


@app.command("verify")
def verify_command(
    pack: PackArgument,
    key: Annotated[list[Path], typer.Option("--key", help="Public Ed25519 key, PEM; repeatable.")],
) -> None:
    """Verify that a pack is unchanged and signed by one of the keys. Exit 2 if not."""
    from corpora.signing import open_signed  # noqa: PLC0415 - cryptography is heavy

    reference = open_signed(pack, key).reference
    say(f"{pack}: {reference.name} {reference.version} is unchanged and signed")


@app.command("diff")
def diff_command(
    old: PackArgument,
    new: Annotated[str, typer.Argument(help="The newer pack.")],
    *,
    json: Json = False,
) -> None:
    """Compare two versions of a pack."""
    difference = compare_packs(open_pack(old), open_pack(new))
    changes = msgspec.to_builtins(difference)
    if json:
        _print_json(changes)
        return
    table = Table("change", "items", "examples", box=None)
    for change, ids in changes.items():
        table.add_row(change, str(len(ids)), ", ".join(ids[:3]))
    terminal().print(table)


@app.command("import")
def import_command(
    path: Annotated[Path, typer.Argument(help="The list: a file, a folder or an archive.")],
    form: Annotated[str, typer.Option("--format", help="See: accredit list importers.")],
    out: Out,
    report: Annotated[
        Path | None, typer.Option("--report", help="Write a CSV report of every row.")
    ] = None,
    label: Annotated[str, typer.Option("--label", help="The category, if the list has none.")] = "",
    licence: Annotated[str, typer.Option("--licence", help="SPDX id of the list.")] = "unknown",
    created: Annotated[
        str, typer.Option("--created", help="The pack's date or time; default: now.")
    ] = "",
    *,
    json: Json = False,
) -> None:
    """Make a pack from a list. Each entry is kept, refused or flagged, with a reason."""
    from corpora.build_pack import import_pack  # noqa: PLC0415 - numpy is heavy

    moment = _moment(created)
    result = import_pack(
        form, path, out, created=moment, label=label, licence=licence, report=report
    )
    if json:
        _print_json(result)
        return
    table = Table("status", "rows", box=None)
    for status, count in result.statuses.items():
        table.add_row(status, str(count))
    table.add_row("all", str(result.rows))
    terminal().print(table)
    say(f"{out}: {result.items} items")


@app.command("export")
def export_command(
    pack: PackArgument,
    form: Annotated[str, typer.Option("--format", help="See: accredit list exporters.")],
    out: Annotated[Path, typer.Option("--out", help="A new file, or a new folder.")],
    category: Annotated[
        list[str] | None, typer.Option(help="Only these categories, with their sub-categories.")
    ] = None,
    origin: Annotated[
        Path | None,
        typer.Option(help="An origin file: on its hosts, together with their plain twins."),
    ] = None,
    campaign: Annotated[
        Path | None, typer.Option(help="A campaign file: its origin, and its categories.")
    ] = None,
    *,
    with_sentinels: Annotated[
        bool, typer.Option("--with-sentinels", help="Also the campaign's must-block sentinels.")
    ] = False,
) -> None:
    """Write the items of a pack as a list for a filtering product."""
    from corpora.exporters import LIST_EXPORTERS  # noqa: PLC0415 - only this verb needs it
    from corpora.exporters.product_lists import left_out  # noqa: PLC0415 - the same

    export = LIST_EXPORTERS.find(form)
    if with_sentinels and campaign is None:
        msg = "--with-sentinels needs --campaign: the sentinels are in the campaign file"
        raise UsageError(msg)
    if out.exists():
        msg = f"{out} exists already; give a new path"
        raise UsageError(msg)
    items = _exported(pack, tuple(category or ()), origin, campaign, sentinels=with_sentinels)
    try:
        export(items, out)
    except OSError as error:
        msg = f"{out}: {error.strerror or error}"
        raise UsageError(msg) from None
    missing = left_out(items, form)
    say(f"{out}: {len(items) - missing.items} items as {form}")
    if missing.items:
        warn(missing.sentence)


def _exported(
    pack: str,
    typed: tuple[str, ...],
    origin_file: Path | None,
    path: Path | None,
    *,
    sentinels: bool,
) -> list[Item]:
    """Return the items of a list; with a campaign those that its supplier loads.

    Harmless items are for no supplier's list unless the user ``typed`` their category.
    """
    from harness.campaign import own_hosts  # noqa: PLC0415 - only this verb needs it
    from harness.campaign.assemble import read_campaign  # noqa: PLC0415 - the same
    from harness.campaign.origin_file import read_origin  # noqa: PLC0415 - the same
    from harness.measure.plain_twins import with_plain_twins  # noqa: PLC0415 - the same

    corpus: Corpus = open_pack(pack)
    campaign = read_campaign(path)[0] if path is not None else None
    categories = typed
    if campaign is not None and path is not None:
        if corpus.reference.is_hidden:
            msg = f"pack {pack!r} is hidden from suppliers; no list of it is made for a campaign"
            raise UsageError(msg)
        categories = typed or own_hosts.categories_in(campaign, path, pack)
        if origin_file is None and campaign.origin:
            origin_file = path.parent / campaign.origin
    origin = read_origin(origin_file) if origin_file is not None else None
    if origin is not None:
        corpus = own_hosts.on_own_hosts(corpus, origin)
        own_hosts.require_served(corpus, origin)
        campaign = own_hosts.with_own_sentinels(campaign, origin) if campaign else None
    items = own_hosts.listed_items(corpus, categories)
    if campaign is not None and not typed:
        items = [item for item in items if not is_ordinary(item)]
    listed = items if origin is None else with_plain_twins(items, origin)
    if campaign is not None:
        if sentinels:
            blocked = own_hosts.with_must_block(listed, campaign)
            listed = sorted(blocked, key=lambda one: one.value)
        own_hosts.refuse_blocked_allowed(listed, campaign)
    return listed


app.command("sample")(sample_command)
app.command("agree")(agree_command)
app.command("appeal")(appeal_command)


def _moment(text: str) -> str:
    moment = utc_time(text, "--created") if text else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _print_json(data: object) -> None:
    say_json(msgspec.json.encode(data))
