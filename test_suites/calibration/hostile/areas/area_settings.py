"""What the areas share: thresholds, profiles, limits, and items that are chosen by hand."""

from __future__ import annotations

from test_suites.calibration.hostile.areas.told import PHASES

SOURCE = {"provenance": "proposed", "source": "a calibration test's own number"}
MOST = {"at_least": 0.5, **SOURCE}
MORE = {"at_least": 0.6, **SOURCE}
MOST_OF_EACH = {"at_least": 0.75, **SOURCE}
FEW = {"at_most": 0.5, **SOURCE}
FEWER = {"at_most": 0.4, **SOURCE}
MOST_OF_THE_TIME = {"at_least": 0.9, **SOURCE}
MOST_LOST = {"at_most": 0.75, **SOURCE}
PUPILS = {"pupils": {"phase": PHASES["pupils"]}}
GROUPS = {name: {"phase": phase} for name, phase in PHASES.items()}
SAME_FOR_PUPILS = {"id": "TQ-10", "threshold": FEW, "n_min": 4}
TWINS = {"number": 8, "pause": 0, "source": "127.0.0.9"}
HURRIED = {
    "timeout": 2.5,
    "confirmation_timeout": 10,
    "silence_timeout": 6,
    "concurrency": 8,
}
"""Limits where a service keeps silent about some techniques."""
MORE_TECHNIQUES = (
    "AC-001",
    "AC-002",
    "CV-064b",
    "CV-077d",
    "CV-153a",
    "CV-194d-1",
    "CV-194e-1",
    "CV-194h-1",
    "DV-07c",
    "DV-08c",
)
"""Techniques that are tried beside the first of each class."""
_NOT_TESTED = dict.fromkeys(
    ("start", "resume", "portal"), "this test is about changes of the network"
)
ONE_MOMENT_ALONE = {"service": {"continuity": {"moments_that_cannot_occur": _NOT_TESTED}}}
"""Changes of the network alone are tested of the moments of devices."""
OVERRIDES = {
    "roles": ["technician"],
    "attempts": [
        {
            "role": "technician",
            "action": action,
            "profiles": ["pupils"],
            "canaries": ["override-01", "override-02"],
            "on": "2026-11-27",
        }
        for action in ("allow_list", "turn_off")
    ],
}
"""Attempts of a school to lift the block of illegal pages."""
EVENTS = 20
"""Requests of concurrent users."""
SAMPLE = 6
"""Items of each category that are drawn from the pack ``canary``."""
