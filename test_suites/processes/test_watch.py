"""``accredit watch`` as a process: what it refuses, its exit codes, and what a stop leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign
from test_suites.kit.processes.running import accredit

EVENT = "{id: one, kind: rule, at: drug-001.canary.accredit.test, category: DRUG, asks: block"


@pytest.fixture
def campaign(tmp_path: Path) -> Path:
    """A campaign over a simulated line."""
    lines: list[dict[str, Any]] = [{"name": "proxy", "type": "simulated"}]
    return write_campaign(
        tmp_path,
        origin=simulated_origin(tmp_path),
        lines=lines,
        categories=["DRUG"],
        sample=2,
        control={"type": "simulated"},
    )


def watch(campaign: Path, events: str, *words: str | Path) -> Any:
    path = campaign.parent / "events.yaml"
    path.write_text(events, encoding="utf-8")
    options: tuple[str | Path, ...] = (
        "--events",
        path,
        "--out",
        campaign.parent / "out",
        "--every",
        "0",
        *words,
    )
    return accredit("watch", campaign, *options)


@pytest.mark.parametrize(
    ("events", "words", "said"),
    [
        ("events: []\n", (), "events"),
        (f"events: [{EVENT}, asked: no}}]\n", (), "asked"),
        (f"events:\n- {EVENT}}}\n- {EVENT}}}\n", (), "one: each event needs an id of its own"),
        ("events: [{id: sentinel-1, kind: rule, at: a.test, category: DRUG, asks: block}]\n", (),
         "no event may be named sentinel-"),
        ("events: [{id: a, kind: appeal, at: a.test, category: DRUG, asks: block}]\n", (),
         "an appeal asks to allow"),
        ("events: [{id: a, kind: override, at: a.test, category: DRUG, asks: allow}]\n", (),
         "the end of an override asks to block again; write 'asks: block'"),
        (f"events: [{EVENT}, when: today}}]\n", (), "a time is written like 2026-11-24T12:00:00Z"),
        (f"events: [{EVENT}}}]\n", ("--every", "nan"), "Invalid value for '--every'"),
        (f"events: [{EVENT}}}]\n", ("--happened", "two"), "no event 'two'"),
        (f"events: [{EVENT}}}]\n", ("--happened", "one=noon"), "write the time like"),
        (f"events: [{EVENT}}}]\n", ("--happened", "one=2999-01-01T00:00:00Z"), "in the future"),
        (f'events: [{EVENT}, when: "2026-01-01T00:00:00Z"}}]\n', ("--happened", "one"),
         "the file of events says when"),
        ("events: [{id: a, kind: rule, at: 'https://a.test/', category: DRUG, asks: block}]\n", (),
         "no probe of the campaign can try https://a.test/ and see"),
    ],
)  # fmt: skip
def test_a_wrong_file_or_option_is_one_sentence(
    campaign: Path, events: str, words: tuple[str, ...], said: str
) -> None:
    ended = watch(campaign, events, *words)

    assert ended.returncode == 2
    assert said in " ".join(ended.stderr.split())
    assert "Traceback" not in ended.stderr
    assert not (campaign.parent / "out").exists()


def test_an_event_that_no_probe_sees_is_refused(tmp_path: Path) -> None:
    lines = [{"name": "names", "type": "simulated", "probes": ["dns"]}]
    path = write_campaign(
        tmp_path,
        origin=simulated_origin(tmp_path),
        lines=lines,
        categories=["DRUG"],
        sample=2,
        control={"type": "simulated"},
    )
    page = EVENT.replace("kind: rule", "kind: content")

    ended = watch(path, f"events: [{page}}}]\n", "--polls", "1")

    assert ended.returncode == 2, ended.stdout
    assert "no probe of the campaign can try drug-001" in " ".join(ended.stderr.split())
    assert "see what changes there (probes: dns)" in " ".join(ended.stderr.split())


def test_an_event_that_is_not_followed_ends_with_three(campaign: Path) -> None:
    ended = watch(campaign, f"events: [{EVENT}}}]\n", "--polls", "1")

    assert ended.returncode == 3, ended.stderr
    assert "poll 1: 0 of 1 events followed" in ended.stdout
    assert "one: not recorded as having happened" in ended.stdout
