"""A whole campaign over a supplier's real products, with a public origin and a real delegation."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from test_suites.kit.processes.product import namespace
from test_suites.products.squid import CERTGEN

LINES = {"proxy", "resolver", "transparent"}
BLOCKED = ("ILL-01", "URL-01", "URL-03", "URL-04", "URL-05")


@pytest.mark.product(
    "squid", CERTGEN, "e2guardian", "openssl", "unbound", "named", "nft", "ip", "unshare"
)
@pytest.mark.timeout(1200)
def test_a_campaign_runs_from_init_to_the_report(tmp_path: Path) -> None:
    """The supplier loads what the letter brought, but for one list; that, and no more, is found."""
    opened = namespace(["unshare", "-nm"], ["unshare", "-rnm", "--map-auto"])
    program = [sys.executable, "-m", "test_suites.products.supplier_network", str(tmp_path)]

    inside = subprocess.run(
        [*opened, *program], capture_output=True, text=True, check=False, timeout=1100
    )

    assert 0 == inside.returncode, inside.stderr
    said = {typed: (code, text) for typed, code, text in json.loads(inside.stdout.splitlines()[-1])}
    for typed in (
        "origin init",
        "origin check",
        "init --name",
        "measure --dry-run",
        "doctor campaign.yaml",
    ):
        assert 0 == said[typed][0], said[typed][1]
    assert 1 == said["run campaign.yaml"][0], said["run campaign.yaml"][1]
    assert (tmp_path / "out/autumn/report-becta-2008.html").exists()
    text = said["conclude out/autumn"][1]
    assessment = json.loads(text[text.index("{") :])
    found = {(one["requirement"]["id"], one["line"]): one for one in assessment["outcomes"]}
    outcomes = {place: one["conformity"] for place, one in found.items()}
    wanted = {place for place in outcomes if place[0] in (*BLOCKED, "OVB-01")}
    assert wanted == {(name, line) for name in (*BLOCKED, "OVB-01") for line in LINES}
    assert {} == {
        place: found[place]["reasons"] for place in wanted if outcomes[place] != "conforms"
    }
    assert {outcomes["URL-02", line] for line in LINES} == {"does-not-conform"}
    witnesses = {each["item"] for line in LINES for each in found["URL-02", line]["witnesses"]}
    assert witnesses
    assert all(name.startswith("viol-gore-") for name in witnesses)
    assert all(one["held"] for one in assessment["preconditions"]), assessment["preconditions"]
    assert "same-for-pupils" in {one["name"] for one in assessment["preconditions"]}
    assert {"Elm Primary"} == {line["site"] for line in assessment["lines"]}
    plans = said["plan list"][1]
    assert {line for line in LINES if line in plans} == LINES, plans
    log = (tmp_path / "origin.log").read_text(encoding="utf-8").splitlines()
    arrivals = [json.loads(line) for line in log if line.startswith("{")]
    assert {"dns", "http"} <= {arrival["over"] for arrival in arrivals}
