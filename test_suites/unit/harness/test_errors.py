"""Errors speak to the person who made the mistake."""

from __future__ import annotations

from harness.errors import (
    Fault,
    FaultyDocument,
    InstrumentError,
    UnfinishedError,
    UsageError,
    known,
)


def test_exit_codes_tell_whose_fault_it_is() -> None:
    assert (2, 2, 4) == (UsageError.exit_code, FaultyDocument.exit_code, InstrumentError.exit_code)
    assert 3 == UnfinishedError.exit_code


def test_a_fault_is_one_line() -> None:
    fault = Fault(where="c.yaml", line=3, key="probes[0]", found="no probe 'x'", known="known: dns")

    assert "c.yaml:3: probes[0]: no probe 'x'; known: dns" == str(fault)


def test_a_fault_without_line_key_or_remedy() -> None:
    assert "c.yaml: not YAML" == str(
        Fault(where="c.yaml", line=None, key="", found=" not YAML".strip(), known="")
    )


def test_known_sorts_and_admits_ignorance() -> None:
    assert "known: a, b" == known(["b", "a"])
    assert "none is known" == known([])
