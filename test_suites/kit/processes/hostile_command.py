"""Runs the command in this process, and looks at what it printed and how it ended."""

from __future__ import annotations

import sys
import unicodedata
from dataclasses import dataclass

import pytest

from harness.cli import doctor, process
from test_suites.kit.campaigns.hostile_texts import SECRET

PART = 4
"""So many characters of a secret in a row give it away."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: object
    out: str
    err: str


class Accredit:
    """The command ``accredit``, as a process would run it, without the cost of one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        # what takes most of the time of a command that refuses its input
        monkeypatch.setattr(doctor, "packages_distributions", dict)

    def __call__(self, *words: object) -> Ended:
        """Run it, and check what must be true of everything that it prints."""
        self._monkeypatch.setattr(sys, "argv", ["accredit", *map(str, words)])
        code: object = 0
        try:
            process.run()
        except SystemExit as stop:
            code = stop.code or 0
        ended = Ended(code, *self._capsys.readouterr())
        check_printed(ended.out + ended.err)
        return ended


def check_printed(text: str) -> None:
    """No unexpected error, nothing that steers a terminal, no faked line and no part of the secret."""
    assert "Traceback" not in text
    assert "unexpected error" not in text
    steering = {sign for sign in text if sign != "\n" and _steers(sign)}
    assert not steering, steering
    assert "\naccredit: the service conforms" not in text
    parts = {SECRET[at : at + PART] for at in range(len(SECRET) - PART + 1)}
    assert not [part for part in parts if part in text]
    assert len(text) < 200_000


def _steers(sign: str) -> bool:
    return unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
