"""``accredit plan detail``, ``evidence`` and ``sign``, and what ``plan show`` tells of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typer.testing import CliRunner

from harness.cli import plan_step, registry
from harness.cli.main import app
from harness.cli.registry_session import open_session, place_of
from harness.errors import InstrumentError, UsageError
from harness.follow.findings import draft_plan
from harness.model.event import FindingOpened, PlanSigned
from test_suites.kit.campaigns.example import example_finding
from test_suites.kit.clocks.set_clock import SetClock
from test_suites.unit.harness.follow.conftest import signed

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
AGREE = ("plan", "agree", "P-0001", "--owner", "Acme", "--action", "Load the list")
Accredit = Callable[..., str]


@pytest.fixture
def accredit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, runner: CliRunner) -> Accredit:
    """Run a command on a registry with one major finding, and return what it prints."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(plan_step.clock, "source", SetClock(NOW))
    monkeypatch.setattr(registry, "clock", SetClock(NOW))
    finding = example_finding(
        severity="Maj", statement="58 of 60 were blocked", service="Safe Net", supplier="Acme"
    )
    with open_session(Path("out/registry.sqlite"), create=True) as session:
        drafted = draft_plan(finding, at=NOW, actor="Ann")
        session.record(
            place_of("Acme"), FindingOpened(at=NOW, actor="Ann", finding=finding), drafted
        )

    def run(*words: str) -> str:
        ended = runner.invoke(app, [*words])
        if ended.exception is not None:
            raise ended.exception
        return ended.stdout

    return run


def make_key(name: str) -> tuple[str, str]:
    """Write a key pair as PEM files, and return their names."""
    private = Ed25519PrivateKey.generate()
    secret = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    Path(f"{name}.pem").write_bytes(secret)
    Path(f"{name}.pub.pem").write_bytes(public)
    return f"{name}.pem", f"{name}.pub.pem"


def test_details_may_follow_and_are_shown(accredit: Accredit) -> None:
    accredit(*AGREE, "--milestone", "Fix=2026-03-20", "--milestone", "Re-test=2026-03-31")
    accredit("plan", "progress", "P-0001", "--note", "begun")
    with pytest.raises(UsageError, match="needs the root cause before the fix can be claimed"):
        accredit("plan", "claim", "P-0001", "--statement", "done")

    accredit("plan", "detail", "P-0001", "--cause", "a stale list", "--explanation", "our fault")
    accredit("plan", "detail", "P-0001", "--prevention", "a check", "--containment", "a copy")

    accredit("plan", "claim", "P-0001", "--statement", "done")
    shown = " ".join(accredit("plan", "show", "P-0001").split())
    query = json.loads(accredit("plan", "show", "P-0001", "--json"))["exit_query"]
    assert (query["requirement"], query["missed"], query["outcome"]) == ("URL-01", 1, "conforms")
    for told in (
        "milestone 1 Fix, due 2026-03-20",
        "root cause a stale list",
        "containment a copy",
        "prevention a check",
        "explanation our fault",
        "verified when the missed item passes again, and a fresh sample meets URL-01",
    ):
        assert told in shown


@pytest.mark.parametrize(
    ("milestone", "why"),
    [
        ("Fix", "write TITLE=DATE"),
        ("=2026-03-20", "write TITLE=DATE"),
        ("Fix=soon", "'soon' is not a date"),
        ("Fix=2026-12-31", "is later than its due date"),
    ],
)
def test_a_wrong_milestone_is_named(accredit: Accredit, milestone: str, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        accredit(*AGREE, "--milestone", milestone)


def test_evidence_is_kept_and_a_change_of_it_is_found(accredit: Accredit) -> None:
    Path("log.txt").write_text("loaded 10:40", encoding="utf-8")

    told = accredit("plan", "evidence", "P-0001", "log.txt", "--what", "the list was loaded")
    digest = hashlib.sha256(b"loaded 10:40").hexdigest()
    assert digest in told
    Path("log.txt").unlink()
    assert "no evidence" not in accredit("plan", "evidence", "P-0001")
    assert f"log.txt: unchanged, 12 bytes, SHA-256 {digest}" in accredit(
        "plan", "evidence", "P-0001"
    )
    assert digest in accredit("plan", "show", "P-0001", "--json")

    kept = next(Path("out/plan-evidence").rglob(digest))
    assert kept.parents[2].stat().st_mode & 0o077 == 0, "only the user can read it"
    kept.write_bytes(b"loaded 09:10")
    for gone in (None, kept, kept.with_suffix(".type")):
        if gone is not None:
            gone.unlink()
        with pytest.raises(InstrumentError, match=r"log.txt in .* is missing or was changed; give"):
            accredit("plan", "evidence", "P-0001")
    Path("log.txt").write_text("loaded 10:40", encoding="utf-8")
    assert "is kept again" in accredit("plan", "evidence", "P-0001", "log.txt", "--what", "w")
    assert "log.txt: unchanged" in accredit("plan", "evidence", "P-0001")
    with pytest.raises(UsageError, match="has this document already"):
        accredit("plan", "evidence", "P-0001", "log.txt", "--what", "w")


def test_evidence_that_cannot_be_added_is_not_kept(accredit: Accredit) -> None:
    Path("log.txt").write_text("x", encoding="utf-8")

    assert "plan P-0001 has no evidence" in accredit("plan", "evidence", "P-0001")
    for words, why in (
        (("log.txt",), "needs a sentence on what the evidence shows"),
        (("no.txt", "--what", "w"), "no.txt: No such file"),
        ((".", "--what", "w"), "is a folder|Is a directory"),
    ):
        with pytest.raises(UsageError, match=why):
            accredit("plan", "evidence", "P-0001", *words)
    assert not Path("out/plan-evidence").exists()


def test_a_plan_is_signed_by_a_contact_of_each_side(accredit: Accredit) -> None:
    ann, ann_public = make_key("ann")
    bob, bob_public = make_key("bob")
    accredit(*AGREE)
    sign = ("plan", "sign", "P-0001", "--as")
    with pytest.raises(UsageError, match="Ann is no contact of the supplier with a public key"):
        accredit(*sign, "supplier", "--signer", "Ann", "--key", ann)
    contact = ("--set", "role=technical", "--set", "email=a@b.example")
    accredit(
        "registry", "add", "contact", "Ann", "--supplier", "Acme", *contact, "--key", ann_public
    )
    accredit("registry", "add", "contact", "Tom", "--owner", *contact, "--key", bob_public)
    with pytest.raises(UsageError, match="Tom is a contact with the role technical, and cannot"):
        accredit(*sign, "assessor", "--signer", "Tom", "--key", bob)
    assessor = ("--set", "role=assessor", "--set", "email=b@b.example", "--key", bob_public)
    accredit("registry", "add", "contact", "Bob", "--owner", *assessor)
    with pytest.raises(UsageError, match="give the private key"):
        accredit(*sign, "assessor", "--signer", "Bob")
    printed = accredit(*sign, "assessor", "--signer", "Bob", "--print-terms")
    assert printed.startswith("accredit/plan-terms/1\nassessor\nBob\n{")
    assert '"corrective_action":"Load the list"' in printed
    with pytest.raises(UsageError, match="the key is not that of Ann"):
        accredit(*sign, "supplier", "--signer", "Ann", "--key", bob)
    with pytest.raises(UsageError, match="Ann is no contact of the scheme's owner"):
        accredit(*sign, "assessor", "--signer", "Ann", "--key", ann)

    accredit(*sign, "supplier", "--signer", "Ann", "--key", ann)
    told = accredit(*sign, "assessor", "--signer", "Bob", "--key", bob)

    assert "signed for the assessor by Bob" in told
    shown = " ".join(accredit("plan", "show", "P-0001").split())
    assert shown.count("signed for the supplier by Ann, 2026-03-02") == 1
    assert "to be signed again" not in shown
    held = json.loads(accredit("plan", "show", "P-0001", "--json"))["signatures"]
    assert [one["is_current"] for one in held] == [True, True]
    assert len(held[0]["signature"]) == 128
    accredit("plan", "detail", "P-0001", "--cause", "another")
    shown = " ".join(accredit("plan", "show", "P-0001").split())
    assert shown.count("earlier terms, to be signed again") == 2


def test_verify_names_a_signature_by_a_key_that_no_contact_has(accredit: Accredit) -> None:
    accredit(*AGREE)
    with open_session(Path("out/registry.sqlite")) as session:
        held = session.plan("P-0001")
        signed_by_eve = PlanSigned(
            at=NOW, actor="Eve", plan="P-0001", **signed(held.plan, held.finding, signer="Eve")
        )
        session.advance("P-0001", signed_by_eve)

    told = accredit("registry", "verify")

    assert "plan P-0001 is signed for the supplier by Eve, with the key" in told
    assert "which is no contact's" in told


def test_a_draft_is_not_signed_and_a_public_key_signs_nothing(accredit: Accredit) -> None:
    ann, ann_public = make_key("ann")
    contact = ("--set", "role=technical", "--set", "email=a@b.example", "--key", ann_public)
    accredit("registry", "add", "contact", "Ann", "--supplier", "Acme", *contact)
    sign = ("plan", "sign", "P-0001", "--as", "supplier", "--signer", "ann", "--key")

    with pytest.raises(UsageError, match="is draft: 'sign' is not possible"):
        accredit(*sign, ann)
    with pytest.raises(UsageError, match="no private Ed25519 key"):
        accredit(*sign, ann_public)
    with pytest.raises(UsageError, match="only a contact has a key"):
        accredit("registry", "add", "site", "Hill", "--supplier", "Acme", "--key", ann_public)
