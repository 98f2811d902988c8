"""Rehearses a whole campaign for a test: a real campaign file, measured and concluded."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import Console
from ruamel.yaml import YAML
from typer.testing import CliRunner

from corpora.pack_writer import PackDetails, write_pack
from harness.campaign.origin_file import write_origin
from harness.cli.compose import prepare
from harness.cli.conclude import conclude_journal
from harness.cli.main import app
from harness.cli.measure import measure_prepared
from harness.judge.judge import judge
from harness.model.outcome import Assessment, Outcome
from harness.model.verdict import State, Verdict
from harness.ports.network import Origin
from harness.store.journal.journal import open_journal

QUICK = {
    "timeout": 0.7,
    "confirmation_timeout": 2.0,
    "silence_timeout": 3.0,
    "reading_timeout": 10.0,
    "concurrency": 40,
}
"""Patience for loopback, where an answer takes milliseconds."""


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """What came of a campaign: its verdicts by line and item, and its assessment."""

    journal: Path
    assessment: Assessment

    @cached_property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Every verdict; not all tests look at them."""
        with closing(open_journal(self.journal)) as journal:
            return judge(tuple(journal.observations())).verdicts

    def items(self, state: State, category: str, line: str, probe: str = "web") -> set[str]:
        """The ids of a category's items that are in a state."""
        return {
            verdict.item.id
            for verdict in self.verdicts
            if (verdict.state, verdict.item.category) == (state, category)
            and (verdict.key.line, verdict.key.probe) == (line, probe)
        }

    def mechanisms(self, category: str, line: str, probe: str = "web") -> Counter[str]:
        """How the blocked items of a category were blocked."""
        return Counter(
            str(verdict.mechanism)
            for verdict in self.verdicts
            if verdict.state is State.BLOCKED
            and verdict.item.category == category
            and (verdict.key.line, verdict.key.probe) == (line, probe)
        )

    def outcome(self, requirement: str, line: str) -> Outcome:
        """The outcome of a requirement on a line."""
        return next(
            outcome
            for outcome in self.assessment.outcomes
            if (outcome.requirement.id, outcome.line) == (requirement, line)
        )


def rehearse(campaign: Path, lane: str | None = None, *, swapped: bool = False) -> Rehearsal:
    """Measure (by one lane, if named; with cables swapped, if so) and conclude a campaign file, into ``out`` beside it."""
    places = measure_prepared(
        prepare(campaign, lane=lane, swapped=swapped),
        campaign.parent / "out",
        Console(file=io.StringIO()),
    )
    return read_rehearsal(places.journal)


def read_rehearsal(folder: Path) -> Rehearsal:
    """Conclude a journal that is there already."""
    assessment, _ = conclude_journal(folder)
    return Rehearsal(journal=folder, assessment=assessment)


def simulated_origin(folder: Path, **changes: Any) -> Path:
    """Write the file of an origin for simulated lines, which ask nobody; gives its path."""
    told: dict[str, Any] = {"zone": "accredit.test", "resolver": "127.0.0.1:1", "ports": {}}
    told |= {"authority": "authority.pem", "key": b"k" * 32}
    write_origin(Origin(**told | changes), folder / "origin.json")
    return folder / "origin.json"


def write_campaign(
    folder: Path,
    *,
    origin: Path | None,
    lines: Sequence[dict[str, Any]],
    categories: Iterable[str] = (),
    sample: int | None = None,
    whole: Iterable[str] = (),
    **more: Any,
) -> Path:
    """Write a campaign file over ``lines`` with the pack ``canary``; gives its path.

    Of ``categories`` a ``sample`` is tried, of ``whole`` every item, as a census needs. Unless a
    scheme is given, it is Becta's, of which only web filtering is tested.
    """
    selection: dict[str, Any] = {"pack": "canary", "categories": list(categories)}
    if sample is not None:
        selection["sample"] = sample
    declared: dict[str, Any] = {
        "campaign": "rehearsal",
        "service": {"name": "a service whose faults are known"},
        "lines": list(lines),
        "profiles": {"pupils": {"phase": "ks2"}},
        "corpora": [selection, {"pack": "canary", "categories": list(whole)}][: 2 if whole else 1],
        "limits": QUICK,
        "seed": "accredit",
        "plain_twins": {"number": 0},
    }
    if origin is not None:
        declared["origin"] = str(origin)
    if "scheme" not in more:
        declared["scope"] = "web"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "campaign.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(declared | more, file)
    return path


SITES = 150
"""The number of sites of a hidden list."""


def hidden_list(folder: Path, prefix: str) -> str:
    """A hidden list of the same sites in every pack, under other ids."""
    rows = (
        {
            "id": f"{prefix}-{n:03d}",
            "value": f"site-{n:03d}.example",
            "kind": "host",
            "registrable": f"site-{n:03d}.example",
            "labels": "DRUG",
            "sensitivity": "S0",
        }
        for n in range(1, SITES + 1)
    )
    details = PackDetails(
        name=f"real-{prefix}",
        version="1.0.0",
        title="t",
        created="2026-11-27T00:00:00Z",
        kind="real",
        audience="sealed",
    )
    write_pack(folder / prefix, rows, details)
    return f"./{prefix}"


def hidden_campaign(folder: Path, name: str, pack: str, *, sample: int, **options: Any) -> Path:
    """A campaign of the service over hidden real sites."""
    blocked = [f"site-{n:03d}.example" for n in range(1, SITES + 1)]
    line = {"block": [*blocked, "copper-meadow.accredit.test"]} | options
    return write_campaign(
        folder,
        origin=simulated_origin(folder),
        lines=[{"name": "proxy", "type": "simulated", "options": line}],
        control={"type": "simulated"},
        corpora=[{"pack": pack, "sample": sample}],
        campaign=name,
        seed=name,
    )


DETAILS = ("--cause", "a stale list", "--containment", "a second list", "--prevention", "a check")
"""What a plan has to name before its fix can be claimed."""


def claim(runner: CliRunner, out: Path | str) -> None:
    """Agree, fix and claim the plan P-0001, as a supplier does."""
    for words in (
        ["agree", "P-0001", "--owner", "supplier", "--action", "fix it", *DETAILS],
        ["progress", "P-0001", "--note", "fixed"],
        ["claim", "P-0001", "--statement", "fixed"],
    ):
        ended = runner.invoke(app, ["plan", *words, "--registry", f"{out}/registry.sqlite"])
        assert 0 == ended.exit_code, ended.output
