"""The body whose signature a practice scheme or pack needs before a decision rests on it."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from harness.cli.main import app
from test_suites.kit.hubs.keys import write_keys

BODY = "The Board"


def register_body(folder: Path, registry: Path) -> Path:
    """Put the body with its key on record; returns the private key."""
    private, public = write_keys(folder, "body", seed=77)
    values = ("--set", "role=decision-maker", "--set", "email=board@example.org")
    _run("registry", "add", "contact", BODY, "--owner", *values, "--key", str(public),
         "--registry", str(registry))  # fmt: skip
    return private


def sign_scheme_as_body(scheme: Path, folder: Path, registry: Path, *packs: Path) -> None:
    """Sign a scheme with a key that is on record as the body's, before it is measured with."""
    key = str(register_body(folder, registry))
    _run("scheme", "sign", str(scheme), "--key", key)
    for pack in packs:
        _run("corpus", "sign", str(pack), "--key", key)


def sign_pack_as_body(pack: Path, folder: Path, registry: Path) -> None:
    """Sign a pack with a key that is on record as the body's, before it is measured with."""
    _run("corpus", "sign", str(pack), "--key", str(register_body(folder, registry)))


def _run(*words: str) -> None:
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0, (words, ended.output, ended.exception)
