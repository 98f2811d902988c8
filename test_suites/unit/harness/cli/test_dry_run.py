"""``measure --dry-run`` sends nothing, writes no result, and says what a campaign costs."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from harness.cli.compose import prepare
from harness.cli.dry_run import dry_run, prospects
from harness.cli.main import app
from harness.cli.measure import measure_campaign, prepare_in
from harness.errors import UsageError
from harness.schemes.load import load_scheme

BECTA = load_scheme("becta-2008")


def changed(path: Path, **more: Any) -> Path:
    """The same campaign with other keys."""
    declared = YAML(typ="safe").load(path.read_text(encoding="utf-8")) | more
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(declared, file)
    return path


def tree(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def dry(runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a dry run where no socket can be used, and nothing may change."""

    def refused(*_: object, **__: object) -> None:
        raise AssertionError("a socket was used")

    def run(path: Path, *words: str) -> Any:
        before = tree(tmp_path)
        with monkeypatch.context() as patched:
            for name in ("connect", "connect_ex", "sendto", "sendmsg", "bind"):
                patched.setattr(socket.socket, name, refused)
            patched.setattr(asyncio, "run", refused)
            ended = runner.invoke(
                app, ["measure", str(path), "--out", str(tmp_path / "out"), "--dry-run", *words]
            )
        assert before == tree(tmp_path)
        return ended

    return run


def test_items_attempts_cost_and_requirements_are_told(dry: Any, simulated: Any) -> None:
    ended = dry(simulated(sample=60))

    assert 0 == ended.exit_code, ended.exception
    for words in (
        "Items: 1,620", "DRUG 60", "ILL.CSAM 120", "  proxy, pupils, web: ", "plain twins",
        "retrials", "Time: about", "Assumed: 0.5 s an attempt, 40 at once", "Traffic: about",
        "20 kB a page", "Can be decided: ILL-01", "limit (agreed list only): URL-01", "Only shown, or conditions",
        "MAL-01", "it rests on mail, which measuring does not send",
    ):  # fmt: skip
        assert words in ended.output, words


def test_no_line_is_wider_than_60_columns(
    dry: Any, simulated: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    path = changed(simulated(sample=60), scheme="strict")

    assert [] == [line for line in dry(path).output.splitlines() if len(line) > 60]


def test_programs_read_the_same_as_json(dry: Any, simulated: Any, tmp_path: Path) -> None:
    path = simulated(sample=7)

    told = msgspec.json.decode(dry(path, "--json").output)

    plan = dry_run(prepare_in(path, tmp_path / "out"), BECTA, tmp_path / "out")
    assert told == msgspec.json.decode(msgspec.json.encode(plan))
    assert {"minutes", "megabytes", "seconds_per_attempt", "concurrency"} <= set(told["cost"])
    assert 7 == told["items"]["canary"]["DRUG"]


def test_what_the_journal_holds_is_not_counted_again(
    dry: Any, simulated: Any, tmp_path: Path
) -> None:
    path = simulated(sample=3)
    measure_campaign(path, tmp_path / "out")

    told = msgspec.json.decode(dry(path, "--json").output)

    assert 0 == told["batches"] < told["batches_done"]
    assert not any(row["items"] + row["twins"] + row["sentinels"] for row in told["attempts"])
    assert 0 == told["cost"]["minutes"][1] == told["cost"]["silent_minutes"]


def test_an_unknown_seed_of_a_new_campaign_changes_no_number(
    simulated: Any, tmp_path: Path
) -> None:
    path = simulated(sample=9)
    path.write_text(path.read_text(encoding="utf-8").replace("seed: accredit\n", ""))

    first, second = (dry_run(prepare_in(path, tmp_path), BECTA, tmp_path) for _ in range(2))

    assert first == second


def test_each_probe_profile_and_round_costs(simulated: Any, tmp_path: Path) -> None:
    path = simulated(sample=5)
    once = dry_run(prepare(path), BECTA, tmp_path)
    changed(
        path, probes=["web", "dns"], profiles={"a": {"phase": "ks2"}, "b": {"phase": "ks4"}},
        rounds=3,
    )  # fmt: skip

    often = dry_run(prepare(path), BECTA, tmp_path)

    assert {("a", "web"), ("a", "dns"), ("b", "web"), ("b", "dns")} == {
        (row.profile, row.probe) for row in often.attempts
    }
    assert 12 * once.batches == often.batches
    assert {3 * once.attempts[0].items} == {row.items for row in often.attempts}
    assert once.cost.minutes < often.cost.minutes


def test_hidden_and_content_items_change_what_can_be_decided(simulated: Any) -> None:
    agreed = prospects(prepare(simulated(sample=60)), BECTA)

    assert "agreed list only" == agreed.limited["URL-04"]
    assert "TQ-10" in agreed.decidable
    assert "TQ-10" not in agreed.limited
    (content,) = (one for one in agreed.undecidable if one.requirement == "DYN-06")
    assert "content domains to try: 0" in content.why
    assert "content-pages" in content.remedy


@pytest.mark.parametrize(
    "words",
    [
        ["--dry-run", "--only", "undecided"],
        ["--json"],
        ["--letter", "new"],
    ],
)
def test_options_that_do_not_go_together_are_refused(
    runner: CliRunner, simulated: Any, tmp_path: Path, words: list[str]
) -> None:
    path = simulated(sample=2)
    ended = runner.invoke(app, ["measure", str(path), "--out", str(tmp_path / "out"), *words])

    assert isinstance(ended.exception, UsageError)
    assert "--dry-run" in str(ended.exception)
    assert not (tmp_path / "out").exists()
