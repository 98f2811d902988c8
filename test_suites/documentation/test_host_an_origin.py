"""The guide on hosting an origin: its commands run, and what it names is there."""

from __future__ import annotations

import inspect
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer
from ruamel.yaml import YAML

from harness.campaign.origin_file import read_origin
from harness.cli.compose import prepare
from harness.cli.origin import app as origin_app
from harness.cli.origin import read_settings
from probes.range import delegation, origin_check, origin_h3_check
from probes.range.authority import Authority
from probes.range.origin_check import FEWEST_DAYS, MOST_SECONDS
from probes.range.visitor_limits import VisitorRules
from probes.range.zone import PARTS_OF_ZONE
from test_suites.documentation.test_tutorials import commands
from test_suites.kit.campaigns.rehearsal import write_campaign
from test_suites.kit.networks.public_origin import free_ports
from test_suites.kit.processes.running import accredit
from test_suites.kit.processes.serving import serving
from test_suites.kit.rooms import ROOT

DOCS = ROOT / "docs"
PAGE = DOCS / "how-to/host-an-origin.md"
TEXT = PAGE.read_text(encoding="utf-8")
INIT, SERVE, CHECK, EXPORT, GIVEN = (shlex.split(line)[1:] for line in commands(PAGE))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = accredit(*INIT, cwd=tmp_path)
    assert (0, "") == (made.returncode, made.stderr)
    return tmp_path / INIT[2]


def test_init_writes_each_file_that_the_guide_lists(folder: Path) -> None:
    rows = re.findall(
        r"^\| (`.+?) \| .*(?:secret|what|authorit|unit|image|records)",
        TEXT[: TEXT.index("## 2.")],
        re.MULTILINE,
    )
    named = {name for row in rows for name in re.findall(r"`([^`]+)`", row)}

    assert named == {path.name for path in folder.iterdir()}


def test_the_guide_s_origin_is_served_at_other_ports(folder: Path) -> None:
    ports = free_ports()
    path = folder / "origin.yaml"
    text = path.read_text(encoding="utf-8")
    declared = f"{{http: {ports['http']}, https: {ports['https']}, dns: {ports['dns']}}}"
    path.write_text(text.replace("{http: 80, https: 443, dns: 53}", declared), encoding="utf-8")
    assert ["origin", "serve", "origin/origin.yaml"] == SERVE

    with serving(folder, ports, "--listen", "127.0.0.1") as origin:
        status, body = origin.get(read_settings(path).zones[0].zone, "/health")
        assert 0 == origin.stop()

    assert 200 == status
    for word in ("status", "faults", "zone"):
        assert f'"{word}"'.encode() in body
        assert f"{word}" in TEXT


def test_a_given_certificate_is_accepted_as_shown(tmp_path: Path) -> None:
    authority = Authority()
    pem = authority.pem_with_key(authority.leaf("canary.example.org"))
    split = pem.index(b"-----BEGIN CERTIFICATE")
    (tmp_path / "fullchain.pem").write_bytes(pem[split:])
    (tmp_path / "privkey.pem").write_bytes(pem[:split])

    made = accredit(*GIVEN, cwd=tmp_path)

    assert 0 == made.returncode, made.stderr
    assert "is not valid for" in made.stderr


def test_the_campaign_s_entries_are_accepted(folder: Path, tmp_path: Path) -> None:
    (text,) = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    shown: dict[str, Any] = YAML(typ="safe").load(text)
    origin = tmp_path / shown.pop("origin")
    path = write_campaign(
        tmp_path / "run",
        origin=origin,
        lines=[{"name": "site", "type": "interface", "options": {"resolver": "10.20.0.1:53"}}],
        categories=["DRUG"],
        sample=1,
        **shown,
    )

    prepared = prepare(path)

    assert any(item.host == f"{item.id}.canary.canary.example.org" for item in prepared.items)
    assert read_origin(folder / "origin.json") == prepared.origin
    (control, line) = (prepared.lines[name, "pupils"] for name in ("control", "site"))
    assert prepared.origin == control.origin == line.origin
    assert {80: 80, 443: 443, 53: 53} == prepared.origin.ports


def test_the_supplier_s_list_is_written_as_shown(folder: Path, tmp_path: Path) -> None:
    write_campaign(
        tmp_path, origin=folder / "origin.json", categories=["DRUG"], sample=1,
        lines=[{"name": "site", "type": "interface", "options": {"resolver": "10.20.0.1:53"}}],
    )  # fmt: skip

    made = accredit(*EXPORT, cwd=tmp_path)

    assert (0, "") == (made.returncode, made.stderr)
    rows = (tmp_path / EXPORT[-1]).read_text().splitlines()
    assert 1 + 2 * 120 + 1 == len(rows)
    assert any(row.startswith("copper-meadow.canary.example.org,host,DRUG,") for row in rows)
    assert not any(row.startswith("amber-lantern") for row in rows)


def test_the_check_of_the_guide_has_the_options_and_checks_that_it_names(folder: Path) -> None:
    (check,) = (
        command
        for command in typer.main.get_group(origin_app).commands.values()
        if command.name == CHECK[1]
    )
    options = {option for parameter in check.params for option in parameter.opts}

    assert ["origin", "check", "origin/origin.json"] == CHECK
    part = TEXT[TEXT.index("## 4.") : TEXT.index("## 5.")]
    named = set(re.findall(r"`(--[a-z]+)", part))
    assert {option for option in options if option.startswith("--")} == named
    listed = set(
        re.findall(r"`([^`]+)`", " ".join(re.findall(r"^\| (`.*?) \|", part, re.MULTILINE)))
    )
    source = "".join(
        inspect.getsource(module) for module in (delegation, origin_check, origin_h3_check)
    )
    assert all(f'"{name}' in source for name in listed)
    assert f"{FEWEST_DAYS} more days" in part
    assert f"{MOST_SECONDS:.0f} seconds" in part


def test_what_the_guide_says_of_limits_and_names_is_so() -> None:
    rules = VisitorRules()
    limits = (DOCS / "reference/limits.md").read_text(encoding="utf-8")
    (paragraph,) = re.findall(r"^## Strangers.*?\n(.*?)^## ", limits, re.MULTILINE | re.DOTALL)
    said = " ".join(paragraph.split())

    for number in (
        f"{rules.per_second:g} requests per second", f"{rules.connections} connections",
        f"{rules.connections_in_all:,} in all", f"headers of {rules.head_bytes // 1024} KiB",
        f"bodies of {rules.body_bytes // 1024} KiB",
        f"{rules.message_bytes:,} bytes over TCP", f"within {rules.patience:g} seconds",
        f"at most {rules.answer_bytes:,} bytes",
    ):  # fmt: skip
        assert number in said, number
    assert f"{rules.answer_bytes:,} bytes" in TEXT
    for part in PARTS_OF_ZONE:
        assert f"`{part}`" in TEXT
