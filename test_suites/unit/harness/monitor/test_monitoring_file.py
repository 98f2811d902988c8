"""Monitoring files: defaults, faults by line, and the record of a declaration."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.errors import FaultyDocument, UsageError
from harness.monitor.monitoring_file import (
    MonitoringFile,
    ScheduleId,
    declaration_of,
    read_monitoring,
)
from test_suites.unit.harness.monitor.monitoring_example import declared_file

TEXT = """\
monitoring: northgate
timezone: Europe/London
jitter: 5m
quiet_hours:
  - {from: "22:00", to: "06:00"}
  - {from: 08:30, to: 09:15, days: [mon, fri]}
budget: {runs_per_day: 48}
services:
  - service: Northgate Gateway
    supplier: Northgate Learning Ltd
    alarm: {sites: 2}
    intensity:
      reduced: {every: 3}
    sites:
      - site: Hill School
        schedules:
          - {name: canaries, cron: "15 6 * * *", campaign: hill.yaml}
          - {name: sample, cron: "0 7 * * 1", campaign: a/b.yaml, jitter: 0, start_within: 2h}
      - site: Dale School
        schedules:
          - {name: canaries, cron: "15 6 * * *", campaign: dale.yaml}
"""


def read(folder: Path, text: str = TEXT) -> MonitoringFile:
    (folder / "monitoring.yaml").write_text(text, encoding="utf-8")
    return read_monitoring(folder / "monitoring.yaml")


def changed(folder: Path, old: str, new: str) -> MonitoringFile:
    assert 1 == TEXT.count(old)
    return read(folder, TEXT.replace(old, new))


def test_a_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    declared = read(tmp_path)
    ((service,), (_, (_, sample), _)) = declared.services, tuple(declared.schedules())

    assert "Europe/London" == declared.zone.key
    assert timedelta(days=5) == service.alarm.retest_within
    assert (2, 3) == (service.intensity.tightened.samples, service.intensity.reduced.every)  # type: ignore[union-attr] # declared above
    assert timedelta(0) == declared.jitter_of(sample)
    assert timedelta(hours=2) == sample.start_within
    assert tmp_path / "a/b.yaml" == declared.campaign_path(sample)
    assert [
        ScheduleId("northgate gateway", "hill school", "canaries"),
        ScheduleId("northgate gateway", "hill school", "sample"),
        ScheduleId("northgate gateway", "dale school", "canaries"),
    ] == [each for each, _ in declared.schedules()]


def test_nothing_but_a_schedule_has_to_be_declared(tmp_path: Path) -> None:
    declared = declared_file(tmp_path, [{"name": "s", "cron": "0 7 * * *", "campaign": "c.yaml"}])
    (service,) = declared.services

    assert ("UTC", timedelta(minutes=10)) == (declared.timezone, declared.jitter)
    assert service.intensity.reduced is None
    assert (1, None) == (service.alarm_sites, service.supplier)


def test_an_alarm_needs_two_sites_where_there_are_two(tmp_path: Path) -> None:
    assert 2 == changed(tmp_path, "    alarm: {sites: 2}\n", "").services[0].alarm_sites
    assert 1 == changed(tmp_path, "sites: 2", "sites: 1").services[0].alarm_sites


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("Europe/London", "Europe/Lundon", 2, "not a time zone"),
        ("Europe/London", "../../etc/passwd", 2, "not a time zone"),
        ("jitter: 5m", "jitter: -5m", 3, "like 30s, 10m, 2h or 5d"),
        ("jitter: 5m", "jitter: 5", 3, "like 30s, 10m, 2h or 5d"),
        ("jitter: 5m", "jitter: true", 3, "like 30s, 10m, 2h or 5d"),
        ("jitter: 5m", "jitter: 367d", 3, "between 0 and 366 days"),
        ("jitter: 5m", "jiter: 5m", 3, "did you mean 'jitter'?"),
        ("start_within: 2h", "start_within: 0", 18, "longer than 0"),
        ('{from: "22:00", to', '{begin: "22:00", to', 5, "known: days, from, to"),
        ("08:30, to: 09:15", "08:30, to: 9:15", 6, "pattern"),
        ('from: "22:00", to: "06:00"', 'from: "00:00", to: "24:00"', 1, "cover the whole week"),
        ("runs_per_day: 48", "runs_per_day: 0", 7, "greater than or equal to 1"),
        ("alarm: {sites: 2}", "alarm: {sites: 3}", 9, "only 2 sites"),
        ("every: 3", "every: 1", 13, "greater than or equal to 2"),
        ("Dale School", "HILL  school", 9, "each site of a service needs a name of its own"),
        ("name: sample", "name: canaries", 15, "each schedule of a site needs a name of its own"),
        ('"0 7 * * 1"', '"0 7 * *"', 18, "five fields"),
        ('"0 7 * * 1"', '"0 0 7 * * 1"', 18, "five fields"),
        ('"0 7 * * 1"', '"0 7 31 2 *"', 18, "bad day-of-month"),
        ('"0 7 * * 1"', '"0 7 */40 * MON#5"', 18, "never fires"),
        ("Hill School", '"\\u200b"', 15, "letters that can be seen"),
        ("Hill School", '"a\\e[2J"', 15, "no control characters"),
        ("campaign: a/b.yaml", 'campaign: "a\\0"', 18, "no control characters"),
    ],
)
def test_faults_are_told_with_their_line(
    old: str, new: str, line: int, words: str, tmp_path: Path
) -> None:
    with pytest.raises(FaultyDocument) as caught:
        changed(tmp_path, old, new)

    assert words in str(caught.value)
    assert line == caught.value.faults[0].line


def test_a_service_is_declared_once(tmp_path: Path) -> None:
    sites = [{"site": "x", "schedules": [{"name": "s", "cron": "0 7 * * *", "campaign": "c"}]}]
    services = [{"service": name, "sites": sites} for name in ("A b", "a  B")]

    with pytest.raises(FaultyDocument, match="each service needs a name of its own"):
        read(tmp_path, json.dumps({"monitoring": "x", "services": services}))


def test_a_file_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_monitoring(tmp_path / "monitoring.yaml")


def test_a_declaration_changes_with_all_that_decides_about_its_runs(tmp_path: Path) -> None:
    def told(declared: MonitoringFile) -> str:
        return declaration_of(declared, declared.services[0])

    first = told(read(tmp_path))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    assert first == told(read(elsewhere, "title: Ours\n" + TEXT.replace("2h", "120m")))
    for old, new in (
        ("5m", "6m"), ("22:00", "21:00"), ("48", "49"), ('15 6 * * *", campaign: dale', '16 6 * * *", campaign: dale'),
        ("sites: 2", "sites: 1"), ("every: 3", "every: 2"), ("hill.yaml", "other.yaml"), ("Europe/London", "UTC"),
    ):  # fmt: skip
        assert first != told(changed(tmp_path, old, new)), old


def test_a_declaration_is_canonical_json(tmp_path: Path) -> None:
    declared = read(tmp_path)
    text = declaration_of(declared, declared.services[0])
    value: dict[str, Any] = json.loads(text)

    assert text == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert {"from": "22:00", "to": "06:00"}.items() <= value["quiet_hours"][0].items()
    assert str(tmp_path) not in text
