"""``accredit corpus sample``: draws a sample that nobody can foresee and anybody can check."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from corpora.ranks import read_ranks
from corpora.sample_pack import sample_pack
from harness.cli.compose import open_pack
from harness.cli.printing import say
from harness.errors import UsageError

Frame = Literal["uniform", "popularity"]
Audience = Literal["public", "supplier", "assessor", "sealed"]


def sample_command(
    pack: Annotated[str, typer.Argument(help="Name of a shipped pack, or its folder.")],
    out: Annotated[Path, typer.Option("--out", help="A new folder for the pack.")],
    size: Annotated[int, typer.Option("--size", min=1, help="Items of each stratum.")],
    seed: Annotated[str, typer.Option("--seed", help="Keep it secret until the campaign is over.")],
    *,
    category: Annotated[list[str] | None, typer.Option(help="Only these categories.")] = None,
    by: Annotated[
        str, typer.Option("--by", help="Strata: category,popularity,language, or some of these.")
    ] = "category",
    frame: Annotated[
        Frame, typer.Option("--frame", help="Every item counts alike, or as it is visited.")
    ] = "uniform",
    ranks: Annotated[
        Path | None, typer.Option("--ranks", help="How popular domains are: rank,domain.")
    ] = None,
    audience: Annotated[
        Audience | None, typer.Option("--audience", help="Who may know its items.")
    ] = None,
    use_limit: Annotated[
        int | None, typer.Option("--use-limit", min=1, help="Burnt after so many campaigns.")
    ] = None,
    one_per_domain: Annotated[
        bool,
        typer.Option(
            "--one-per-domain/--many-per-domain", help="One item of each registrable domain."
        ),
    ] = True,
) -> None:
    """Draw a seeded sample of each stratum into a pack of its own."""
    if not seed:
        msg = "--seed is empty; give a text that nobody guesses"
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
        one_a_domain=one_per_domain,
        audience=audience,
        use_limit=use_limit,
    )
    commitment = sample.manifest.accredit.sampling.seed_commitment
    say(f"{out}: {sample.size} items; commitment to the seed: {commitment}")
