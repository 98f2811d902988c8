"""Reference pages made from the registries: metrics, and formats that are read and written.

``python -m test_suites.documentation.registry_pages`` rewrites both pages.
"""

from __future__ import annotations

import inspect
from pathlib import Path

from harness.cli.list_plugins import TABLES
from harness.model.metric_spec import SPECS, MetricSpec

DOCS = Path(__file__).parents[2] / "docs/reference"
USES = {
    ("importers", "lists"): ("Lists that are read", "`accredit corpus import --format`"),
    ("importers", "measurements"): (
        "Measurements of other people that are read",
        "`accredit bundle import --format` and `accredit judge --format`",
    ),
    ("exporters", "lists"): ("Lists that are written", "`accredit corpus export --format`"),
    ("exporters", "journals"): (
        "Measurements that are written",
        "`accredit bundle export --format`",
    ),
    ("documents", ""): ("Documents for people", "`accredit report --format`"),
}


def metrics_page() -> str:
    """``docs/reference/metrics.md``: every metric that a requirement may name."""
    taken = [spec for spec in SPECS.values() if spec.is_implemented]
    later = [spec for spec in SPECS.values() if not spec.is_implemented]
    lines = [
        "# Metrics",
        "",
        "A requirement of a [scheme](schemes.md) names one metric. This page is made from",
        "`harness/model/metric_spec.py`, where each metric has one `MetricSpec`.",
        "",
        "## Metrics that Accredit measures",
        "| metric | unit | in words | what is counted | bounds | rests on |",
        "|---|---|---|---|---|---|",
        *map(_row, taken),
        "",
        "*Bounds* are those of a rate or of a shift, or none where the number stands as observed;",
        "other metrics have bounds of their own. *Rests on* is the kind of items on which a",
        "favourable outcome rests, where a requirement names no other.",
        "",
        "## Metrics that Accredit cannot measure yet",
        "A requirement that asks for one of these is *insufficient*, never a pass.",
        "",
        "| metric | unit | what is counted |",
        "|---|---|---|",
        *(f"| `{spec.name}` | {spec.unit} | {spec.counts} |" for spec in later),
    ]
    return "\n".join(lines) + "\n"


def _row(spec: MetricSpec) -> str:
    bounds = {"": "its own", "observed": "none"}.get(spec.bounds, spec.bounds)
    kind = spec.rests_on or "any"
    cells = (f"`{spec.name}`", spec.unit, spec.words, spec.counts, bounds, kind)
    return f"| {' | '.join(cells)} |"


def formats_page() -> str:
    """``docs/reference/formats.md``: what can be read and written, by command."""
    lines = [
        "# Formats",
        "",
        "What can be read and written. This page is made from the plug-ins that come with Accredit;",
        "`accredit list` also shows those of other packages ([plug-ins](plug-ins.md)).",
    ]
    for table in TABLES:
        if (table.kind, table.of) not in USES:
            continue
        title, command = USES[table.kind, table.of]
        lines += ["", f"## {title}", f"By {command}.", "", "| format | what it is |", "|---|---|"]
        for name, plugin in table.load().items():
            if plugin.__module__.startswith(("corpora.", "harness.", "reports.")):
                first = (inspect.getdoc(plugin) or "").partition("\n\n")[0].replace("\n", " ")
                lines.append(f"| `{name}` | {first.replace('``', '`')} |")
    return "\n".join(lines) + "\n"


PAGES = {DOCS / "metrics.md": metrics_page, DOCS / "formats.md": formats_page}

if __name__ == "__main__":
    for path, make in PAGES.items():
        path.write_text(make(), encoding="utf-8")
