"""Registries and bundles of a version before stops, keys, witnesses and registration hold.

Each archive has the registry of one service, a signed bundle of the campaign that was decided on,
and the key of the bundle, as that version (of 1 December 2026) left them: in ``suspended`` and
``withdrawn`` it accredited the service again on the campaign that was stopped.
"""

from __future__ import annotations

import re
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import plan_step
from harness.cli import registry as registry_verbs
from harness.cli.main import app
from test_suites.kit.clocks.set_clock import SetClock

HELD = Path(__file__).parent / "held_registries"
NEXT_DAY = datetime(2026, 12, 3, tzinfo=UTC)
STATUSES = {
    "accredited": "status: accredited; until",
    "planned": "status: accredited-with-action-plan; until",
    "suspended": "status: suspended (by a decision of the accreditation body); until",
    "withdrawn": "status: withdrawn (by a decision of the accreditation body); until",
    "recalled": "status: under-review (because something that the decision rested on proved wrong)",
    "appealed": "status: suspended (because an appeal against the decision was upheld)",
}
"""How the service stands by the rules of now, by the name of the archive."""


@pytest.fixture(params=sorted(STATUSES))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def held(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of an unpacked archive, on the day after it was made."""
    clock = SetClock(NEXT_DAY)
    monkeypatch.setattr(plan_step.clock, "source", clock)
    monkeypatch.setattr(registry_verbs, "clock", clock)
    with zipfile.ZipFile(HELD / f"{name}.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path


def accredit(*words: str | Path, exits: int = 0) -> str:
    ended = CliRunner().invoke(app, [str(word) for word in words])
    assert ended.exit_code == exits, (words, ended.output, ended.exception)
    return " ".join(ended.output.split())


def test_the_registry_verifies_and_says_what_it_cannot_show(held: Path, name: str) -> None:
    registry = ("--registry", held / "registry.sqlite")

    verified = accredit("registry", "verify", *registry)

    assert "unchanged" in verified
    assert "nobody has reviewed this evaluation" in verified
    assert "no witness: nothing shows whether an older good state was put back" in verified
    is_lifted = "only evidence that began after that ends it" in verified
    assert is_lifted is (name in {"suspended", "withdrawn"})


def test_the_status_follows_from_the_rules_of_now(held: Path, name: str) -> None:
    listed = accredit("decision", "list", "--registry", held / "registry.sqlite")

    assert STATUSES[name] in listed
    assert "by: Di (identities by name only)" in listed


def test_the_bundle_verifies_and_says_what_it_cannot_show(held: Path, name: str) -> None:
    """Judged again, every outcome is the same; only the method of a figure has changed since."""
    bundle = held / "spring.accredit.zip"
    verified = accredit("bundle", "verify", bundle, "--key", held / "lab.pub.pem", exits=3)

    changed = re.findall(r"outcomes\.(\S+): recorded", verified)
    assert f"{len(changed)} differences" in verified
    assert set(changed) <= {
        "PRF-02[pupils-proxy].metric.method",
        "PRF-02[pupils-proxy].metric.p_value",
    }
    assert ("does-not-conform" in verified) is (name == "planned")
    assert "registration: not recorded: it was concluded by a version that looked for none" in (
        verified
    )
    assert "time: " in verified
    assert "witness: no witness signed the heads of journal or registry" in verified
