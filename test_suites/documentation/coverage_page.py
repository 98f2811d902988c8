"""``docs/reference/coverage.md``: what measures each requirement, and which tests show it.

The tests are those of ``test_suites/calibration/cases.toml``.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec

from harness.model.metric_spec import spec_of
from harness.model.scheme import Requirement
from harness.schemes.load import whole_catalogue

CALIBRATION = Path(__file__).parents[1] / "calibration"
CASES = CALIBRATION / "cases.toml"
AREAS = (
    "illegal", "url", "search", "dynamic", "overblock", "malware", "upload", "policy", "blockpage",
    "logging", "alerting", "email", "perf", "availability", "dns", "ipv6", "update", "harness",
    "circumvent", "tls", "device",
)  # fmt: skip
"""The areas of requirements in the order of the page; others follow."""

HEAD = """\
# Coverage

What measures each requirement. A measured one has three tests over the range: a service that meets it *conforms*, one that
breaks it *does not conform*, and where a precondition is missing the outcome is *insufficient*. A requirement on the
test itself (TQ) never fails: where it is broken, it and what it [guards](gates.md) are *insufficient*. All requirements
are shown. This page is made from the shipped requirements and `test_suites/calibration/cases.toml`.
"""

TITLES = """\
| requirement | metric | probes | meets it | breaks it | precondition missing |
|---|---|---|---|---|---|"""

Text = Annotated[str, msgspec.Meta(min_length=1)]


class Cases(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tests of one requirement, or why it has none.

    ``reported``: the test of a requirement that is for information. ``people``: what people judge
    (``accredit assess``).
    ``compared``: how two journals show it, which no outcome does.
    """

    probes: tuple[Text, ...] = ()
    meets: str = ""
    breaks: str = ""
    missing: str = ""
    reported: str = ""
    people: str = ""
    compared: str = ""

    @property
    def tests(self) -> tuple[str, ...]:
        """The tests that are named."""
        named = (self.meets, self.breaks, self.missing, self.reported)
        return tuple(test for test in named if test)


def read_cases() -> dict[str, Cases]:
    """The cases by requirement."""
    return msgspec.convert(tomllib.loads(CASES.read_text(encoding="utf-8")), dict[str, Cases])


def requirements() -> tuple[Requirement, ...]:
    """All shipped requirements, by area and id."""
    order = {area: number for number, area in enumerate(AREAS)}
    return tuple(
        sorted(whole_catalogue(), key=lambda each: (order.get(each.area, len(AREAS)), each.id))
    )


def coverage_page() -> str:
    """Return the text of the page."""
    cases = read_cases()
    rows = (_row(each, cases.get(each.id, Cases())) for each in requirements())
    return "\n".join((HEAD, TITLES, *rows)) + "\n"


def _row(requirement: Requirement, cases: Cases) -> str:
    metric = requirement.measure.metric
    is_measured = spec_of(metric).is_implemented
    probes = ", ".join(f"`{each}`" for each in cases.probes)
    people = f"people judge it: {cases.people}" if cases.people else ""
    probes = "; ".join(filter(None, (probes, people))) or "–"  # noqa: RUF001 - an en dash for nothing
    shown = _tests(cases) if is_measured else ("", "", "")
    if cases.compared:
        shown = (f"two journals show it: {cases.compared}", "", "")
    name = f"**{requirement.id}** {requirement.subject}"
    cells = (name, f"`{metric}`" if is_measured else "–", probes, *shown)  # noqa: RUF001 - as above
    return f"| {' | '.join(cells)} |"


def _tests(cases: Cases) -> tuple[str, str, str]:
    if cases.reported:
        return f"reported: {_in_words(cases.reported)}", "", ""
    return _in_words(cases.meets), _in_words(cases.breaks), _in_words(cases.missing)


def _in_words(test: str) -> str:
    """``test_a.py::test_a_filter_conforms`` as *a filter conforms*."""
    return test.partition("::")[2].removeprefix("test_").replace("_", " ")
