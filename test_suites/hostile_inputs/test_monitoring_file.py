"""Hostile monitoring files: refused with clear faults, and soon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import FaultyDocument, UsageError
from harness.monitor.monitoring_file import read_monitoring
from test_suites.kit.campaigns.hostile_texts import NAME, YAML

SCHEDULE = {"name": "s", "cron": "0 7 * * *", "campaign": "c.yaml"}
WRONG: list[Any] = ["", None, 5, [], {}, True]


def read(folder: Path, text: str) -> None:
    path = folder / "hostile.yaml"
    path.write_text(text, encoding="utf-8")
    read_monitoring(path)


def whole(schedule: dict[str, Any], **keys: Any) -> dict[str, Any]:
    service = {"service": "Gateway", "sites": [{"site": "Hill", "schedules": [schedule]}]}
    return {"monitoring": "north", "services": [service], **keys}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", YAML)
def test_hostile_yaml(kind: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, YAML[kind])

    assert 1 <= len(str(caught.value).splitlines()) <= 52
    assert str(caught.value).replace("\n", "").isprintable()


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "hostile.yaml"
    path.write_bytes(b"monitoring: \xff\xfe\x9b31m")

    with pytest.raises(FaultyDocument, match="not UTF-8"):
        read_monitoring(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *((key, NAME) for key in ("name", "cron", "campaign", "jitter", "start_within")),
        *((key, value) for key in SCHEDULE for value in WRONG),
        ("cron", "1," * 500_000),
        ("cron", "* * * * * " * 10_000),
        ("cron", "\N{ARABIC-INDIC DIGIT ONE} * * * *"),
        ("cron", f"{'9' * 190} * * * *"),
        ("jitter", "9" * 5_000 + "d"),
        ("jitter", "\N{ARABIC-INDIC DIGIT ONE}d"),
        ("jitter", "999999999d"),
        ("campaign", "x" * 100_000),
    ],
)
def test_hostile_schedules(key: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(FaultyDocument) as caught:
        read(tmp_path, json.dumps(whole(SCHEDULE | {key: value})))

    assert key in str(caught.value)
    assert len(str(caught.value)) < 2_000


@pytest.mark.parametrize(
    "name", ["/etc/passwd", "../UTC", "Europe", "", "x" * 10_000, NAME, "a\0b"]
)
def test_hostile_time_zones(name: str, tmp_path: Path) -> None:
    with pytest.raises(FaultyDocument, match="time zone"):
        read(tmp_path, json.dumps(whole(SCHEDULE, timezone=name)))


@pytest.mark.timeout(60)
def test_thousands_of_schedules_that_never_fire_are_refused_soon(tmp_path: Path) -> None:
    never = [
        {"name": f"s{n}", "cron": f"{n % 60} 0 */40 2 MON#{2 + n % 4}", "campaign": "c"}
        for n in range(2_000)
    ]
    declared = whole(SCHEDULE)
    declared["services"][0]["sites"][0]["schedules"] = never

    with pytest.raises(FaultyDocument, match="never fires"):
        read(tmp_path, json.dumps(declared))


def test_too_many_quiet_hours_are_refused(tmp_path: Path) -> None:
    quiet = [{"from": "00:00", "to": "12:00"}] * 6_000

    with pytest.raises(FaultyDocument, match="quiet_hours"):
        read(tmp_path, json.dumps(whole(SCHEDULE, quiet_hours=quiet)))
