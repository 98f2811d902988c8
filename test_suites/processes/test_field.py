"""Checks in the field as processes: a user's mistake exits 2, what does not fit exits 1."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from test_suites.kit.processes.running import accredit


def test_mistakes_about_checks_in_the_field_exit_2_in_one_sentence(tmp_path: Path) -> None:
    registry, public = tmp_path / "registry.sqlite", tmp_path / "c.json"
    where = ("--registry", registry, "--out", tmp_path / "out")
    period = str(datetime.now(UTC).year + 1)  # so that the year cannot end meanwhile
    committing = ("monitor", "field", "commit", "--period", period, "--file", public, *where)
    site = ("--supplier", "Acme", "--service", "Net", "--site", "Hill School")

    none = accredit(*committing)
    added = accredit(
        "registry", "add", "service", "Net", "--supplier", "Acme", "--registry", registry
    )
    made = accredit(*committing)
    twice = accredit(*committing[:-5], tmp_path / "d.json", *where)
    drawn = accredit("monitor", "field", "draw", "--period", period, *where)
    visit = accredit("monitor", "field", "visit", tmp_path, "--period", period, *site, *where)
    verified = accredit("monitor", "field", "verify", "--file", public, *where)
    changed = public.read_text(encoding="utf-8").replace('"sites": 10', '"sites": 99')
    public.write_text(changed, encoding="utf-8")
    differs = accredit("monitor", "field", "verify", "--file", public, *where)

    ended = (none, added, made, twice, drawn, visit, verified, differs)
    codes = [each.returncode for each in ended]
    assert codes == [2, 0, 0, 2, 2, 2, 0, 1], [each.stderr for each in ended]
    assert "committed to already" in twice.stderr
    assert "are drawn in that year" in drawn.stderr
    assert f"'Net' of 'Acme' was not drawn for {period}" in visit.stderr
    for each in (none, twice, drawn, visit):
        assert "Traceback" not in each.stderr
        assert each.stderr.count("\n") == 1
