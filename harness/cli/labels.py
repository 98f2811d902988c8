"""``accredit corpus agree`` and ``appeal``: how far raters agree, and what if a label is wrong."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from corpora.rater_agreement import agree
from corpora.rater_labels import read_ratings
from harness.cli.compose import open_pack
from harness.cli.open_plans import user
from harness.cli.paths import OUT, Places
from harness.cli.printing import say, say_json
from harness.cli.registry_session import open_book
from harness.errors import UsageError
from harness.model.appeal import Appeal
from harness.model.event import AppealDecided
from harness.ports.storage import WallClock

EXIT_CODES = {"reliable": 0, "tentative": 3, "unknown": 3, "unreliable": 1}
SAID = {
    "reliable": "reliable: good enough for accreditation",
    "tentative": "tentative: good enough for self-tests only",
    "unreliable": "unreliable: nothing may be concluded from these labels",
    "unknown": "unknown: no two ratings of one item, or one label only",
}


def agree_command(
    ratings: Annotated[Path, typer.Argument(help="CSV with the columns item, rater, label.")],
    *,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Tell how far raters agree. Exit 0 reliable (0.80), 3 tentative (0.667) or unknown, 1 not."""
    found = agree(read_ratings(ratings))
    standing = found.standing
    if json:
        told = asdict(found) | {"standing": standing}
        say_json(msgspec.json.encode(told))
    elif found.alpha is None:
        say(f"Krippendorff's alpha: none; {SAID[standing]}")
    else:
        between = f"{found.confidence:.0%} interval {found.lower:.3f} to {found.upper:.3f}"
        say(
            f"Krippendorff's alpha {found.alpha:.3f} ({between}), {found.units} items, "
            f"{found.percent:.1%} of pairs agree",
            SAID[standing],
        )
    raise typer.Exit(EXIT_CODES[standing])


def appeal_command(
    pack: Annotated[str, typer.Argument(help="Name of a shipped pack, or its folder.")],
    item: Annotated[str, typer.Argument(help="Id of the item that is labelled wrongly.")],
    label: Annotated[list[str], typer.Option("--label", help="What it is; the first counts.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the record.")],
    appellant: Annotated[str, typer.Option("--appellant", help="Who appealed.")],
    by: Annotated[str, typer.Option(help="Who decides; never the one who appealed.")] = "",
    out: Annotated[Path, typer.Option(help="Where results are.")] = OUT,
    *,
    reject: Annotated[bool, typer.Option("--reject", help="The label stays.")] = False,
) -> None:
    """Decide a label appeal; one that is upheld re-scores each campaign when concluded again."""
    corpus = open_pack(pack)
    before = next((one.labels for one in corpus.items() if one.id == item), None)
    if before is None:
        msg = f"pack {pack!r} has no item {item!r}"
        raise UsageError(msg)
    for code in label:
        if code not in corpus.taxonomy:
            msg = f"--label {code!r} is no category; see the codes in taxonomy.csv"
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
    with open_book(Places(out=out, campaign="").registry, create=True) as book:
        book.record(AppealDecided(at=WallClock().now(), actor=by or user(), appeal=appeal))
    change = f"{'|'.join(before)} -> {'|'.join(label)}"
    ending = "rejected, the label stays" if reject else "upheld; conclude campaigns again"
    say(f"{appeal.pack} {item}: {change}: {ending}")
