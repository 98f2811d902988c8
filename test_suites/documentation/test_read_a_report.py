"""The guide to reports names parts of the page. ``test_tasks`` runs its commands."""

from __future__ import annotations

from test_suites.documentation.test_tutorials import DOCS

PAGE = DOCS / "how-to/read-a-report.md"


def test_every_part_that_the_guide_names_is_a_part_of_the_page() -> None:
    text = PAGE.read_text(encoding="utf-8")
    template = (DOCS.parent / "reports/documents/report.html.j2").read_text(encoding="utf-8")

    for heading in (
        "Does it get in the way of teaching?",
        "What it blocked, how, and where",
        "How sure are we?",
        "Provenance",
    ):
        assert f"**{heading}**" in text
        assert f">{heading}</h2>" in template
