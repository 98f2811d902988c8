"""DNS-01: a simulated name server that is quick enough, one that is slow, and one unmeasured."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from corpora.origin_pack import write_origin_pack
from corpora.resolver_names import RESOLVER_PACK, resolver_names
from harness.estimate.resolver_delays import UNANSWERED
from harness.model.outcome import Conformity, Outcome
from harness.model.query_case import CHECKS_OF_QUERIES
from test_suites.kit.campaigns.ranges import CREATED
from test_suites.kit.campaigns.rehearsal import rehearse, simulated_origin, write_campaign

SCHEME = """\
id: our-school
version: "1.0"
title: How quickly names are answered
policy: uk-schools-2026
decision: {alpha: 0.2}
requirements: [{id: DNS-01}]
"""
SENTINEL = "copper-meadow.accredit.test"


ENOUGH = 805
"""Names, asked for twice each, that show at level 0.2 that one question in 1000 has no answer."""


def outcome(folder: Path, names: int = 93, **options: Any) -> Outcome:
    """Measure names of a pack over a simulated name server."""
    pages = resolver_names("speed", (), signed=0, timed=names)
    write_origin_pack(RESOLVER_PACK, pages, folder / "pages", "s", CREATED)
    (folder / "scheme.yaml").write_text(SCHEME)
    campaign = write_campaign(
        folder,
        origin=simulated_origin(folder),
        lines=[
            {
                "name": "names",
                "type": "simulated",
                "options": {"block": [SENTINEL], "latency_ms": 4} | options,
            }
        ],
        control={"type": "simulated"},
        corpora=[{"pack": "./pages"}],
        scheme="scheme.yaml",
        probes=["dns_queries"],
    )
    return rehearse(campaign).outcome("DNS-01", "names")


def test_a_quick_name_server_conforms(tmp_path: Path) -> None:
    found = outcome(tmp_path, ENOUGH)

    assert found.conformity is Conformity.CONFORMS, found.reasons
    [unanswered] = [one.metric for one in found.metric.parts if one.group == UNANSWERED]
    assert unanswered.n == 2 * ENOUGH


def test_a_slow_name_server_does_not_conform(tmp_path: Path) -> None:
    found = outcome(tmp_path, latency_ms=60)

    assert found.conformity is Conformity.DOES_NOT_CONFORM
    assert found.metric.lower == pytest.approx(0.06)


def test_few_questions_leave_the_share_of_answers_undecided(tmp_path: Path) -> None:
    found = outcome(tmp_path)

    assert found.conformity is Conformity.INSUFFICIENT
    assert {one.group: one.metric.n for one in found.metric.parts} == {
        CHECKS_OF_QUERIES["dns:again"]: 93,
        CHECKS_OF_QUERIES["dns:fresh"]: 93,
        UNANSWERED: 186,
    }
