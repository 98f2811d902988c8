"""The demo tells its story: a service that fails, and one that drifts and is accredited again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli.main import app
from test_suites.unit.harness.cli.test_columns import too_long


@pytest.mark.timeout(1500)
def test_the_story(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["demo", "--out", str(tmp_path)], env={"COLUMNS": "60"})

    assert 0 == ended.exit_code, ended.output
    told = " ".join(ended.stdout.split())
    for word in ("Conforms", "Does not", "Not decided"):
        assert word in told
    assert "MAL-01 A harmless test virus is blocked" in told
    measured, retested = told.split("re-tests decide")
    assert "1 items (1/9)" in measured.split("MAL-01 A harmless")[1]
    assert "P-0001 draft" in retested
    assert "0 of 1 missed items still fail; 0 of 9 fresh items passed; none may" in retested
    retested, monitored = retested.split("10. Another service is monitored")
    assert 2 == retested.count("it is now verified")
    assert 2 == retested.count("is closed: the fix held for its soak period")
    assert 2 == retested.count(" closed URL-04") + retested.count(" closed MAL-01")
    assert "✗ Does not conform, pupils on proxy" in measured.split("LOG-01 For every request")[1]
    for conforms in ("LOG-02", "EML-01", "EML-02", "EML-03", "EML-04", "AVL-01"):
        assert "✓ Conforms, pupils on proxy" in measured.split(f"{conforms} ")[1][:400]
    assert_no_failure_beside_the_planned_ones(measured)
    assert "overloaded" in measured
    assert " draft LOG-01 For every request" in retested
    assert [] == too_long(ended.output, 60)
    assert_monitored(monitored)
    assert_site(tmp_path / "demo-run/site")
    assert (tmp_path / "demo-run/demo/report-becta-2008.html").exists()
    for kind in ("on agreed items", "on real items", "on content items"):
        assert kind in " ".join(ended.stdout.split())
    assert list((tmp_path / "demo-run/demo/allure-results").glob("*-result.json"))


def assert_no_failure_beside_the_planned_ones(measured: str) -> None:
    """Times are decided as on a quiet machine, or not at all."""
    failed = re.findall(r"([A-Z]{3}-\d\d)(?:(?![A-Z]{3}-\d\d).)*? ✗ Does not conform", measured)
    assert {"ILL-01", "URL-04", "MAL-01", "LOG-01"} == set(failed)


def assert_monitored(told: str) -> None:
    """Five campaigns: it is accredited, fails once, is corrected and is accredited again."""
    story = re.findall(
        r"campaign northgate-\d: (\S+)|version (\S+ is \S+), decided"
        r"|the re-test (\S+); it is now verified|is (closed): the fix held for its soak period",
        told,
    )
    assert [
        "conforms", "1.0 is accredited", "conforms", "does-not-conform;", "conforms", "conforms",
        "closed", "conforms", "2.1 is accredited",
    ] == ["".join(found) for found in story]  # fmt: skip


def assert_site(site: Path) -> None:
    """The pages that the demo names: the register, the trend, and the board of plans."""
    register = (site / "public/index.html").read_text(encoding="utf-8")
    (trend,) = (site / "owner/trends").glob("northgate-gateway-*.html")

    assert "Northgate Gateway" in register
    assert "Example SchoolSafe" not in register, "it was never accredited"
    assert "northgate-5" in trend.read_text(encoding="utf-8")
    assert "Northgate Learning Ltd" in (site / "owner/plans.html").read_text(encoding="utf-8")
