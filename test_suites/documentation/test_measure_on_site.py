"""The declarations of the guide on measuring on site are accepted as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from harness.campaign.origin_file import write_origin
from harness.cli.compose import prepare
from harness.ports.network import Origin
from probes.range.authority import Authority
from test_suites.kit.campaigns.rehearsal import write_campaign

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/measure-on-site.md"
EXAMPLES = re.findall(
    r"^```yaml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)

TUTORIAL = PAGE.parents[1] / "tutorials/two-profiles-on-site.md"
(AT_SCHOOL,) = re.findall(
    r"^```yaml\n(control.*?)^```", TUTORIAL.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)


def test_the_guide_shows_each_line_that_is_for_a_site() -> None:
    shown = [line["type"] for text in EXAMPLES for line in YAML(typ="safe").load(text)["lines"]]

    assert {"interface", "pac"} == set(shown)


@pytest.mark.parametrize("text", [*EXAMPLES, AT_SCHOOL])
def test_what_the_guide_declares_is_accepted(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: dict[str, Any] = {"control": {"type": "simulated"}} | YAML(typ="safe").load(text)
    origin = Origin(
        zone="accredit.test", resolver="127.0.0.1:1", ports={}, authority="a", key=b"k" * 32
    )
    write_origin(origin, tmp_path / "origin.json")
    if "by_profile" in text:
        shown["profiles"] = {"pupils": {"phase": "ks3"}, "staff": {"phase": "staff"}}
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")
    (tmp_path / "run/trusted.pem").write_bytes(Authority().pem)
    path = write_campaign(
        tmp_path / "run", origin=tmp_path / "origin.json", categories=["DRUG"], sample=1, **shown
    )

    built = {name for name, _ in prepare(path).lines}

    assert {"control", *(line["name"] for line in shown["lines"])} == built
