"""``accredit scheme``: list, show, check, compare and plan minimum specifications."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from harness.cli.drawing import styled, terminal
from harness.cli.printing import say, say_data
from harness.errors import UsageError
from harness.model.metric_spec import spec_of
from harness.model.scheme import Requirement, Scheme, Threshold

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

SCHEME = Annotated[str, typer.Argument(help="A shipped scheme, or a YAML file.")]
JSON = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command("list")
def list_schemes(*, json: JSON = False) -> None:
    """List the shipped schemes."""
    from harness.schemes.check import aliases, shipped  # noqa: PLC0415 - keep the start light

    schemes = [_load(name) for name in shipped()]
    alias_of = {edition: alias for alias, edition in aliases().items()}
    if json:
        say_data([_listed(each, alias_of.get(each.id, "")) for each in schemes])
        return
    table = Table("scheme", "version", "also called", "review by", "rows", "title", box=None)
    for each in schemes:
        due = str(each.review_by or "-")
        rows = str(len(each.requirements))
        table.add_row(each.id, each.version, alias_of.get(each.id, "-"), due, rows, each.title)
    terminal().print(table)


@app.command("show")
def show_scheme(scheme: SCHEME, *, json: JSON = False) -> None:
    """Show a scheme: its requirements, decision rules, and the source of each number."""
    chosen = _load(scheme)
    if json:
        say_data(chosen.model_dump(mode="json", exclude_none=True))
        return
    from harness.assess.family_error import family_error  # noqa: PLC0415 - keep the start light
    from reports.phrases import demand  # noqa: PLC0415 - the same
    from reports.words import RULES, SEVERITIES, source_of  # noqa: PLC0415 - the same

    console = terminal()
    console.print(f"{chosen.title} ({chosen.id} {chosen.version})")
    for line in (chosen.about, _reviewed(chosen), chosen.decision.statement, *chosen.sources):
        if line:
            console.print(f"  {line}")
    console.print(f"  policy: {chosen.policy.title} ({chosen.policy.id})")
    console.print(f"  a service exactly at every mark is accused: {family_error(chosen).words}")
    console.print()
    table = Table("", "requirement", "threshold", box=None, padding=(0, 2, 0, 0))
    for requirement in chosen.requirements:
        table.add_row(
            requirement.id,
            f"{requirement.title} ({SEVERITIES[requirement.severity]}, "
            f"{RULES[requirement.rule]}{_binding(requirement)})",
            demand(requirement, spec_of(requirement.measure.metric).unit),
        )
        if requirement.threshold is not None:
            table.add_row("", styled(source_of(requirement.threshold), style="dim"), "")
        if requirement.n_min:
            table.add_row("", styled(_sizes(requirement), style="dim"), "")
    console.print(table)


@app.command("check")
def check_scheme(scheme: SCHEME) -> None:
    """Check a scheme file. Each fault is printed on a line of its own, with exit code 2."""
    chosen = _load(scheme)
    terminal().print(
        f"{chosen.id} {chosen.version}: no faults, {len(chosen.requirements)} requirements"
    )


@app.command("sign")
def sign_command(
    scheme: Annotated[Path, typer.Argument(help="A YAML file.")],
    key: Annotated[Path, typer.Option("--key", help="Private Ed25519 key, PEM.")],
    results: Annotated[
        Path | None, typer.Option(help="A campaign's results, to keep the signature with them.")
    ] = None,
) -> None:
    """Sign a scheme with its policy, so that decisions may rest on it.

    The signature is written beside the file, and a campaign keeps it with its journal.
    """
    from harness.cli.scheme_signing import sign_scheme  # noqa: PLC0415 - keep the start light

    path, identity = sign_scheme(scheme, key, results)
    say(f"{path}: signed by key {identity}")


@app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of scheme files, for editors and other programs."""
    from harness.schemes.load import json_schema  # noqa: PLC0415 - keep the start light

    say_data(json_schema())


@app.command("diff")
def diff_schemes(old: SCHEME, new: SCHEME, *, json: JSON = False) -> None:
    """Compare two schemes: added, removed and changed requirements."""
    before, after = _load(old), _load(new)
    changes = compare(before, after)
    if json:
        say_data(changes)
        return
    table = Table("requirement", "what", before.id, after.id)
    for change in changes:
        table.add_row(change["requirement"], change["what"], change["old"], change["new"])
    terminal().print(table if changes else "no difference")


@app.command("plan")
def plan_scheme(
    scheme: SCHEME,
    *,
    campaign: Annotated[
        Path | None, typer.Option(help="Count the items of this campaign file.")
    ] = None,
    power: Annotated[
        float, typer.Option(help="The probability with which a good service passes all rows.")
    ] = 0.9,
    json: JSON = False,
) -> None:
    """Show how many items a campaign needs, and what it can decide, before it is measured."""
    from harness.cli.power_plan import chance_of_all, forecast  # noqa: PLC0415 - keep the start light

    if not 0 < power < 1:
        msg = f"--power {power:g} is not a probability between 0 and 1, such as 0.9"
        raise UsageError(msg)
    phases, items = {"ks2": "ks2"}, None
    if campaign is not None:
        from harness.cli.compose import prepare  # noqa: PLC0415 - loads the plug-ins

        ready = prepare(campaign)
        phases = {name: ready.campaign.phase_of(name) for name in ready.campaign.profiles}
        items = ready.items
    rows = forecast(_load(scheme), phases, items, power)
    if json:
        say_data([row.as_data() for row in rows])
        return
    titles = ("requirement", "profile", "items", "needed", "stopping early", "what it can decide")
    table = Table(*titles, box=None)
    for row in rows:
        early = f"about {row.early}" if row.early else "-"
        counts = ("-" if row.n is None else str(row.n), str(row.needed or "-"), early)
        table.add_row(row.requirement, row.profile, *counts, row.says)
    terminal().print(table)
    chance, number = chance_of_all(rows)
    if campaign is not None and number:
        say(
            f"A service that makes half of the mistakes that are allowed conforms in all {number} "
            f"of the binding rows that a sample decides with a probability of {chance:.0%}."
        )


def compare(old: Scheme, new: Scheme) -> list[dict[str, str]]:
    """The differences: a row for each requirement in one scheme only, and for each changed part."""
    before = {each.id: each for each in old.requirements}
    after = {each.id: each for each in new.requirements}
    rows: list[dict[str, str]] = []
    for code in sorted(before.keys() | after.keys()):
        earlier, later = before.get(code), after.get(code)
        if earlier is None or later is None:
            rows.append(_row(code, "requirement", _present(earlier), _present(later)))
            continue
        was, now = _parts(earlier), _parts(later)
        rows += [_row(code, part, was[part], now[part]) for part in was if was[part] != now[part]]
    return rows


def threshold_text(requirement: Requirement) -> str:
    """The threshold as short text: ``>= 0.9``, ``<= 0.05``, or a dash."""
    threshold = requirement.threshold
    if threshold is None:
        return "-"
    marks = []
    if threshold.at_least is not None:
        marks.append(f">= {threshold.at_least:g}")
    if threshold.at_most is not None:
        marks.append(f"<= {threshold.at_most:g}")
    return " and ".join(marks)


def _parts(requirement: Requirement) -> dict[str, str]:
    """The parts of a requirement that are compared, as text."""
    measure = requirement.measure
    return {
        "severity": requirement.severity,
        "rule": requirement.rule + _binding(requirement),
        "metric": measure.metric,
        "categories": ", ".join(measure.categories) or "all",
        "mark": threshold_text(requirement),
        "provenance": _origin(requirement.threshold),
        "least items": str(requirement.n_min),
    }


def _listed(scheme: Scheme, alias: str) -> dict[str, Any]:
    """The entry of a scheme in the list, for JSON."""
    entry: dict[str, Any] = {"id": scheme.id, "version": scheme.version, "title": scheme.title}
    entry["reviewed_on"], entry["review_by"] = (
        str(day) if day else None for day in (scheme.reviewed_on, scheme.review_by)
    )
    return entry | ({"alias": alias} if alias else {})


def _reviewed(scheme: Scheme) -> str:
    """The dates of a scheme: in force from, last reviewed, next review."""
    parts = (
        ("in force from", scheme.effective_from),
        ("last reviewed on", scheme.reviewed_on),
        ("review by", scheme.review_by),
    )
    return ", ".join(f"{what} {day}" for what, day in parts if day)


def _sizes(requirement: Requirement) -> str:
    """The agreed minimum, and the list that must be imported to reach it."""
    least = f"at least {requirement.n_min} counted"
    if requirement.needs_list is None:
        return least
    kind = requirement.needs_list.kind
    return f"{least}; needs an imported list of {requirement.list_size} {kind} domains or more"


def _origin(threshold: Threshold | None) -> str:
    return f"{threshold.provenance}: {threshold.source}" if threshold else "-"


def _binding(requirement: Requirement) -> str:
    return "" if requirement.binding or requirement.rule == "report" else ", not binding"


def _present(requirement: Requirement | None) -> str:
    return "asked" if requirement else "not asked"


def _row(requirement: str, what: str, old: str, new: str) -> dict[str, str]:
    return {"requirement": requirement, "what": what, "old": old, "new": new}


def _load(scheme: str) -> Scheme:
    from harness.cli.compose import load_and_warn  # noqa: PLC0415 - keep the start light

    return load_and_warn(scheme)
