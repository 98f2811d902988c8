"""Hostile YAML, JSON and names in declarations: one clear line each, and soon."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from test_suites.kit.campaigns.hostile_texts import MARKUP, NAME, STEERING, YAML
from test_suites.kit.processes.hostile_command import Accredit

READERS = [
    "run FILE",
    "measure FILE",
    "doctor FILE",
    "expect check . FILE",
    "scheme check FILE",
    "scheme show FILE",
    "scheme diff FILE becta-2008",
    "scheme plan becta-2008 --campaign FILE",
    "range up --faults FILE",
    "bundle import good.jsonl --format ooni --out new --block-page FILE",
]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("kind", YAML)
def test_hostile_yaml(kind: str, accredit: Accredit) -> None:
    Path("hostile.yaml").write_text(YAML[kind], encoding="utf-8")
    small = len(YAML[kind]) < 10_000
    for command in READERS if small else READERS[:1]:
        if kind == "nothing" and "--faults" in command:
            continue  # no faults are declared
        ended = accredit(*command.replace("FILE", "hostile.yaml").split())

        assert 2 == ended.code, (command, ended)
        assert all(line.startswith("accredit: ") for line in ended.err.splitlines())
        assert len(ended.err.splitlines()) <= 52


def test_bytes_that_are_no_text(accredit: Accredit) -> None:
    Path("hostile.yaml").write_bytes(b"a: \xff\xfe\x9b31m")

    for command in READERS:
        assert 2 == accredit(*command.replace("FILE", "hostile.yaml").split()).code


@pytest.mark.parametrize("key", ["campaign", "title", "service", "corpora", "profiles", "lines"])
def test_names_in_a_campaign(key: str, accredit: Accredit) -> None:
    declared: dict[str, Any] = {
        "campaign": "demo",
        "title": NAME,
        "service": {"name": NAME, "supplier": NAME},
        "origin": NAME.replace("\0", ""),
        "lines": [{"name": "p", "type": NAME}],
        "profiles": {NAME: {}},
        "corpora": [{"pack": NAME}],
        "scheme": NAME,
    }
    declared[key] = NAME
    Path("campaign.yaml").write_text(json.dumps(declared))

    for verb in ("doctor", "run", "measure"):
        assert 2 == accredit(verb, "campaign.yaml").code


def test_passwords_in_a_campaign(accredit: Accredit) -> None:
    proxy = "http://me:Zq7xW9vK@127.0.0.1:99999999/"
    line = {"name": "p", "type": "explicit_proxy", "options": {"proxy": proxy}}
    declared = {
        "campaign": "demo",
        "service": {"name": "x"},
        "lines": [line],
        "profiles": {"ks2": {}},
        "corpora": [{"pack": "canary"}],
    }
    Path("campaign.yaml").write_text(json.dumps(declared))

    for verb in ("doctor", "run", "measure"):
        assert 2 == accredit(verb, "campaign.yaml").code


def test_names_in_a_scheme_are_shown_on_one_line(accredit: Accredit) -> None:
    Path("scheme.yaml").write_text(
        json.dumps({"id": "mine", "version": "1.0.0", "title": NAME, "extends": "becta-2008"})
    )
    ended = accredit("scheme", "show", "scheme.yaml")

    if ended.code == 0:
        assert MARKUP in ended.out.splitlines()[0]
    accredit("scheme", "show", "scheme.yaml", "--json")
    accredit("scheme", "diff", "becta-2008", "scheme.yaml")


@pytest.mark.parametrize(
    "manifest",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"a": ' + "9" * 5_000 + "}",
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": "\\ud800"}',
        "{}",
        "[]",
        '{"a": 1, "a": 2}',
        "\0",
        "\ufeff{",
        " " * 1_100_000,
    ],
)
def test_hostile_manifests(manifest: str, accredit: Accredit) -> None:
    Path("pack/datapackage.json").write_text(manifest, encoding="utf-8")

    for verb in ("info", "lint"):
        assert 2 == accredit("corpus", verb, "pack").code


@pytest.mark.parametrize("title", [NAME, "\ud800", STEERING])
def test_names_in_a_manifest(title: str, accredit: Accredit) -> None:
    path = Path("pack/datapackage.json")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"title": title}))

    for words in (("info", "pack"), ("info", "pack", "--json"), ("lint", "pack")):
        ended = accredit("corpus", *words)
        assert ended.code in (0, 2)
    path.write_text(json.dumps(json.loads(path.read_text()) | {"name": title}))
    assert 2 == accredit("corpus", "info", "pack").code
