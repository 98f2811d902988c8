"""Standard streams: what a test or another program put in place stays."""

from __future__ import annotations

import sys

import pytest

from harness.cli.process import flush_output, guarded_streams, print_error


def test_streams_that_somebody_put_in_place_stay(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr

    with guarded_streams():
        assert before == (sys.stdout, sys.stderr)
        sys.stdout.write("said")
        flush_output()

    assert "said" == capsys.readouterr().out


def test_each_line_of_a_message_is_one_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    print_error("one [red]two\nthree")

    assert "accredit: one [red]two\naccredit: three\n" == capsys.readouterr().err
