"""The reference of the range's alerts: its examples work, and each fault has its row."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.cli.range import read_faults
from probes.range.alert_delivery import AlertMessage, AlertSettings
from probes.range.connection import parse_request
from probes.range.faults import (
    ALERT_KINDS,
    HOLDING_KINDS,
    SHARE_KINDS,
    WORD_KINDS,
    Fault,
    FaultKind,
)
from probes.range.monitoring import LONGEST_SHOWN, Monitor
from probes.range.pending_entry import Asker
from test_suites.kit.rooms import ROOT

PAGE = (ROOT / "docs/reference/range-alerts.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `(alert-[a-z-]+)` \| (.*)$", PAGE, re.MULTILINE))
URL = "http://page-1.sites.accredit.test/search?q=I+feel+sad+ACCREDIT-MARKER-HARM-ab12"


def block(language: str) -> str:
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return str(found)


def settings(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AlertSettings:
    """Run the example of the page, and return its settings."""
    monkeypatch.chdir(folder)
    names: dict[str, Any] = {}
    exec(compile(block("python"), "range-alerts.md", "exec"), names)
    alerts = names["alerts"]
    assert isinstance(alerts, AlertSettings)
    return alerts


def test_the_example_runs_and_its_options_are_all_that_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = settings(tmp_path, monkeypatch)
    table = PAGE.partition("| option |")[2].partition("\n\n")[0]

    assert (tmp_path / "range" / "origin.json").exists()
    assert set(AlertSettings.__slots__) == set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE)) | {
        "escalate_after"
    }
    assert f"(default {AlertSettings(webhook=given.webhook).escalate_after:g})" in table
    assert f"(default {AlertSettings(webhook=given.webhook).notices_after:g})" in table


def test_the_mail_of_the_page_is_what_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[AlertMessage] = []
    at = datetime(2026, 11, 28, 12, tzinfo=UTC)
    monitor = Monitor(
        settings(tmp_path, monkeypatch), sent.append, lambda *_: None, clock=lambda: at
    )
    request = parse_request(f"GET {URL} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    assert request is not None
    asker = Asker(client="192.0.2.7", user="ann", profile="pupils", service="proxy")
    monitor.examine(request, asker, request.target)

    mail = sent[0].as_mail()
    head, _, text = block("text").partition("\n\n")
    assert text == mail.get_content()
    for line in head.splitlines():
        name, _, value = line.partition(": ")
        assert value == mail[name]
    names = PAGE.partition("The webhook gets")[2].partition("; each")[0]
    document = sent[0].as_json()
    assert set(document) == set(re.findall(r"`(\w+)`", names)) - {"normal", "urgent"}
    assert f"at most {LONGEST_SHOWN} characters" in PAGE


def test_each_fault_of_alerts_has_its_row_in_order() -> None:
    assert [kind for kind in FaultKind if kind in ALERT_KINDS] == list(ROWS)


def test_each_row_names_the_options_of_its_fault() -> None:
    for kind in ALERT_KINDS:
        assert (kind in SHARE_KINDS) == ("(default 0.5), `seed`" in ROWS[kind])
        assert (kind in HOLDING_KINDS) == ("`seconds` (default 60)" in ROWS[kind])
        assert (kind in WORD_KINDS) == ("| `words`" in ROWS[kind])
    wrong = Fault(kind=FaultKind.ALERT_WRONG_RECIPIENT)
    assert f"`recipient` (default `{wrong.recipient}`)" in ROWS["alert-wrong-recipient"]


def test_the_faults_file_of_the_page_is_read(tmp_path: Path) -> None:
    path = tmp_path / "faults.yaml"
    path.write_text(block("yaml"))

    faults = read_faults(path).faults
    assert [
        ("alert-no-categories", ("EXTR", "DRUG"), ()),
        ("alert-no-words", (), ("traurig", "triste")),
        ("alert-no-devices", (), ("Android",)),
        ("alert-late", (), ()),
        ("alert-benign", (), ()),
    ] == [(fault.kind, fault.categories, fault.words) for fault in faults]
