"""Start-up: the processor time of short commands beside that of a bare interpreter.

*bare* is ``python -c pass`` of the same environment. ``conclude`` runs on the demo's journal, whose
verdicts are kept from a first run. *libraries* imports what ``conclude`` needs of other projects,
and nothing of ours: no change of our code can make ``conclude`` faster than that.
"""

# ruff: noqa: RUF001 - the sign of multiplication
from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from benchmarks.client import run_commands
from benchmarks.goal import Result, ratio, topic
from benchmarks.machine import ACCREDIT, PYTHON

ROUNDS, REPEATS = 5, 4
BOUNDS = {"--help": 15.0, "list": 20.0, "conclude": 60.0}
LIBRARIES = (
    "import duckdb, jinja2, msgspec, numpy, pydantic, rich.console, sqlalchemy, typer;"
    "duckdb.connect(); sqlalchemy.create_engine('sqlite://').connect(); jinja2.Environment();"
    "import gc; gc.freeze()"
)
DECIDED = (0, 1, 3)
"""Exit codes of ``conclude`` that say that it assessed the journal."""


@topic("start-up")
def start_up() -> Iterable[Result]:
    """Start ``accredit`` for its help, its plug-ins, and an assessment from kept verdicts."""
    with tempfile.TemporaryDirectory() as folder:
        demo = (*ACCREDIT, "demo", "--all", "--out", str(Path(folder) / "demo"))
        run_commands([demo], expected=DECIDED)
        journal = str(_journal_below(Path(folder)))
        commands = {
            "bare": (PYTHON, "-c", "pass"),
            "libraries": (PYTHON, "-c", LIBRARIES),
            "--help": (*ACCREDIT, "--help"),
            "list": (*ACCREDIT, "list"),
            "conclude": (*ACCREDIT, "conclude", journal),
        }
        yield from _results(_measured(commands))


def _measured(commands: Mapping[str, tuple[str, ...]]) -> dict[str, list[float]]:
    """CPU seconds of each command, one figure a round; the commands take turns."""
    for command in commands.values():
        run_commands([command], expected=DECIDED)
    taken: dict[str, list[float]] = {name: [] for name in commands}
    for _round in range(ROUNDS):
        for name, command in commands.items():
            cost = run_commands([command] * REPEATS, expected=DECIDED)
            taken[name].append(cost.cpu / REPEATS)
    return taken


def _results(taken: Mapping[str, list[float]]) -> Iterable[Result]:
    note = "; ".join(f"{name} {min(costs) * 1000:.0f} ms" for name, costs in taken.items())
    for name, bound in BOUNDS.items():
        yield Result(
            goal=f"accredit {name}: CPU ÷ a bare interpreter",
            value=ratio(taken[name], taken["bare"]),
            unit="×",
            bound=bound,
            note=note,
        )


def _journal_below(folder: Path) -> Path:
    """The first journal that the demo wrote."""
    return min(folder.rglob("head.json")).parent
