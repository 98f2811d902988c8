"""All scenarios, and the table of them in ``docs/reference/scenarios.md``.

Regenerate the table with ``python -m test_suites.calibration.scenarios``.
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from test_suites.calibration.scenario import Scenario
from test_suites.calibration.scenarios_connection import TCP_SCENARIOS, TLS_SCENARIOS
from test_suites.calibration.scenarios_dns import DNS_SCENARIOS
from test_suites.calibration.scenarios_origin import ORIGIN_SCENARIOS
from test_suites.calibration.scenarios_page import HTTP_SCENARIOS

SCENARIOS: tuple[Scenario, ...] = (
    *DNS_SCENARIOS,
    *TCP_SCENARIOS,
    *TLS_SCENARIOS,
    *HTTP_SCENARIOS,
    *ORIGIN_SCENARIOS,
)
TABLE = Path(__file__).parents[2] / "docs" / "reference" / "scenarios.md"

HEADINGS = {
    "dns": "DNS",
    "tcp": "Connections",
    "tls": "TLS",
    "http": "Answers",
    "origin": "Faults of the origin, and no fault",
}
_START = f"""# Scenarios of the test range

{len(SCENARIOS)} scenarios, each with the verdict that it must get. The test range (`probes/range`)
simulates each of them on loopback. They are measured as in a campaign and judged by the rules
(`test_suites/calibration/test_scenarios.py`). The control line works in all scenarios, except
where the origin itself fails.

*Known by* says how it is known whether the content came: by the token of our own origin, or, as
with other parties' sites, only by the page on the control line. The lines are `names` (a filtering resolver),
`proxy` (a filtering proxy) and `gateway` (a transparent filter).

This page is generated: `python -m test_suites.calibration.scenarios`.
"""


def table() -> str:
    """The whole page."""
    parts = [_START]
    for layer, scenarios in groupby(SCENARIOS, key=lambda scenario: scenario.layer):
        head = (
            "| scenario | simulated fault | line | probe | known by | verdict | mechanism | why |"
        )
        rows = "\n".join(map(_row, scenarios))
        parts.append(f"## {HEADINGS[layer]}\n\n{head}\n{'|---' * 8}|\n{rows}\n")
    return "\n".join(parts)


def _row(scenario: Scenario) -> str:
    marks = ", refused by the origin" if scenario.refusal else ""
    marks += ", intercepted" if scenario.intercepted else ""
    cells = (
        f"`{scenario.name}`",
        scenario.played,
        scenario.line,
        scenario.probe,
        scenario.known,
        f"**{scenario.state}**{marks}",
        f"`{scenario.mechanism}`",
        scenario.why,
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
