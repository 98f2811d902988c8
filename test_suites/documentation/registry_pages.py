"""Reference pages made from the registries: metrics, formats, content pages, techniques and others.

``python -m test_suites.documentation.registry_pages`` rewrites the pages.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import typer

from corpora import content_pages, url_pages
from harness.assess.family_error import family_error
from harness.cli.list_plugins import TABLES
from harness.cli.main import app
from harness.cli.process import HELP, HELP_WIDTH
from harness.model.content_form import FORMS, VIEWERS
from harness.model.metric_form import MetricSpec
from harness.model.metric_spec import SPECS
from harness.model.url_case import ADDRESSES, PORTS, URL_CASES
from harness.schemes.load import load_scheme, shipped
from test_suites.documentation.coverage_page import coverage_page
from test_suites.documentation.gates_page import gates_page
from test_suites.documentation.power_page import power_page
from test_suites.documentation.promises_page import promises_page
from test_suites.documentation.stopping_table import PAGE, stop_early_page
from test_suites.documentation.technique_page import technique_page
from test_suites.whole_runs import whole_runs_page

DOCS = Path(__file__).parents[2] / "docs/reference"
USES = {
    ("importers", "lists"): ("Lists that are read", "`accredit corpus import --format`"),
    ("importers", "measurements"): (
        "Measurements of other people that are read",
        "`accredit bundle import --format` and `accredit judge --format`",
    ),
    ("importers", "logs"): (
        "Logs of services that are read",
        "`accredit log import`; [what each format states](log-formats.md)",
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
        "| metric | unit | in words | what is counted | bounds | each by itself | rests on |",
        "|---|---|---|---|---|---|---|",
        *map(_row, taken),
        "",
        "*Bounds* are those of a rate or of a shift, or none where the number stands as observed;",
        "other metrics have bounds of their own. *Each by itself* names the groups of which the worst",
        "decides: to conform each must hold at the level, to fail one at the level divided by their",
        "number. *Rests on* is the kind of items on which a favourable outcome rests, where a",
        "requirement names no other.",
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
    worst = spec.decides_by_worst or "-"
    cells = (f"`{spec.name}`", spec.unit, spec.words, spec.counts, bounds, worst, kind)
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


CONTENT_PAGES = """\
# Content pages

Pages that a filter can recognise by their content alone. Their hosts have neutral names that are not announced to anybody.
`accredit origin init` and `accredit range up` write them as the pack `content-pages`; each harmful page has a
harmless twin in the same form. DYN-06, DYN-07 and DYN-08 rest on them. After an update, `accredit origin pages origin.yaml` writes the
pack again: its hosts stay, and those of new forms are added.

| pages | how many | count for |
|---|---|---|
| plain pages with the agreed marker | {pages} of each category | DYN-06, by category |
| pages in an ordinary form | {of_form} of each form, over all categories | DYN-06, by form |
| pages that a viewer shows of blocked sites | {of_viewer} of each viewer | DYN-08, by viewer |
| copies of the agreed image | {images} | DYN-07, reported |
| pages in a disguise, or with the marker in the keywords | {of_disguise} of each | nothing: reported |
| pages of the other recipes in the pack `content` | {of_recipe} of each, in each of its languages | nothing: reported |

DYN-06 conforms only if every category and every ordinary form does. A form that was not tried leaves it
*insufficient*. Browsers offer Brotli and Zstandard over HTTPS alone, so those pages are tried by the probe
`web_https`, and are wanted only where a line has a probe for HTTPS. The report shows what came of each form.

## Forms

A test loads each form in Chromium and looks for the marker in what is shown. Two forms are not shown: `octet-stream` is
saved as a file, and the marker in `keywords` is for search engines. The origin sends a coding only to a client that offers
it (RFC 9110 section 12.5.3).

| form | in words | family | needs |
|---|---|---|---|
{forms}

*Ordinary* forms are what servers send every day. A *disguise* hides the words from a program, but not from a reader, or
surrounds them with what leads a program astray: a status, a label, other text.

## Viewers

Sites that show the pages of other sites. Each page is on a neutral host; its address names a blocked canary, and the
page shows the marker of that canary's category. DYN-08 conforms only if every viewer was tried, and no page came.

| viewer | in words | the path |
|---|---|---|
{viewers}

## Addresses, parts and new sites

The pack `url-pages` has pages in these cases. Harmful pages have as many harmless twins, except pages by HTTP/3, new sites,
harmless pages with suspicious words, and viewpoints. A requirement conforms only if each of its cases was tried.

| case | in words | pages | counts for |
|---|---|---|---|
{cases}

Pages by several addresses, images, scripts and videos are on canary hosts that the supplier's list names; all others are on
neutral hosts. Pages of `address:h3` are fetched by the probe [`web_h3`](probes.md#http3) alone. For `transition:` cases the probe
[`web_transitions`](probes.md#ipv6) asks for the page of a host by an IPv6 address without its name. New sites are compared with `service.new_sites` of the [campaign file](campaign-file.md). Suspicious words are
the notes of the pack `overblock`; a new row needs no code. [Why](../design/dd-024-url-cases.md).

## Recipes

A recipe is a row of the pack `content`; its note says what the page holds (`marker: ...; page: ...`). A new row needs no
code. The first part of its value is its kind:

| kind | the page |
|---|---|
| `agreed_token` | shows the agreed marker of its category |
| `self_label` | has the marker as an element in its head (`<meta ...>`) or as a header (`Name: value`) |
| `agreed_image` | is the agreed image: a card of flat colours, the same in every copy |
| `harmless_vocabulary` | lists the words of the marker |
| `negative_control` | must stay open: one such word in a sentence, or neutral text in other languages |
| `control` | is neutral |
| `agency_page` | is the agency's own; `accredit check` tries it |

The agreed image is `agreed-image.png` in the folder of the origin. Give it to a supplier that claims to recognise images.
[Why it is built like this](../design/dd-021-content-forms.md).
"""


def content_pages_page() -> str:
    """``docs/reference/content-pages.md``: the pack of content pages, its forms and recipes."""
    rows = []
    for form in FORMS.values():
        needs = [f"`Accept-Encoding: {form.coding}`"] if form.coding else []
        needs += ["HTTPS"] if form.over_https else []
        cells = (f"`{form.name}`", form.words, form.family, ", ".join(needs) or "nothing")
        rows.append(f"| {' | '.join(cells)} |")
    return CONTENT_PAGES.format(
        pages=content_pages.PAGES,
        of_form=content_pages.PAGES_OF_FORM,
        of_disguise=content_pages.PAGES_OF_DISGUISE,
        of_recipe=content_pages.PAGES_OF_RECIPE,
        of_viewer=content_pages.PAGES_OF_VIEWER,
        images=content_pages.IMAGES,
        viewers="\n".join(
            f"| `{viewer.name}` | {viewer.words} | `{content_pages.PATHS[viewer.name].format('HOST')}` |"
            for viewer in VIEWERS.values()
        ),
        forms="\n".join(rows),
        cases="\n".join(_cases()),
    )


COUNTS_FOR = {
    "object": "URL-11",
    "deep": "URL-10",
    "new": "URL-12",
    "template": "OVB-05",
    "viewpoint": "OVB-09",
    "transition": "IP6-02",
}


def _cases() -> list[str]:
    """The rows of the cases of web addresses."""
    groups = {name: name.partition(":")[0] for name in URL_CASES}
    return [
        f"| `{name}` | {words} | {url_pages.PAGES[groups[name]]} | {_counts_for(name)} |"
        for name, words in URL_CASES.items()
    ]


def _counts_for(case: str) -> str:
    """The requirements that a case of web addresses counts for."""
    by_address = {"URL-13": ADDRESSES, "URL-19": PORTS}
    counted = [requirement for requirement, cases in by_address.items() if case in cases]
    return ", ".join(counted) or COUNTS_FOR[case.partition(":")[0]]


ACCUSED = "## How often a good service is accused\n"


def schemes_page() -> str:
    """``docs/reference/schemes.md``, with the section of false accusations as it follows."""
    before, _, rest = (DOCS / "schemes.md").read_text(encoding="utf-8").partition(ACCUSED)
    rows = [
        f"| `{scheme.id}` | {family_error(scheme).words} |"
        for scheme in map(load_scheme, shipped())
    ]
    lines = [
        "",
        "The probability that a service which stands exactly at every mark is said not to conform in any",
        "binding row, on any line, for any profile, as `accredit scheme show NAME` prints it:",
        "",
        "| scheme | false accusation |",
        "|---|---|",
        *rows,
        "",
        "Rows that a sample decides stand together under Holm's correction; each has a p-value. Rows that",
        "count item by item fail only for what was seen, never by chance.",
        "",
        "",
    ]
    return before + ACCUSED + "\n".join(lines) + rest[rest.index("## ") :]


def help_pages(command: Any, path: str = "accredit") -> Iterator[tuple[str, str]]:
    """Each command with the help that its own code prints."""
    shown = StringIO()
    width = {"COLUMNS": f"{HELP_WIDTH}"}
    with mock.patch.dict("os.environ", width), redirect_stdout(shown), suppress(typer.Exit):
        command.make_context(path, ["--help"], help_option_names=["-h", "--help"])
    yield path, shown.getvalue()
    context = typer.Context(command)
    for name in command.list_commands(context) if hasattr(command, "list_commands") else ():
        if not (each := command.get_command(context, name)).hidden:
            yield from help_pages(each, f"{path} {name}")


def help_page() -> str:
    """``harness/cli/help.md``: every command and option; ``accredit COMMAND --help`` prints it."""
    pages = help_pages(typer.main.get_command(app))
    return "# Every command and option\n" + "".join(
        f"\n## {path}\n\n```text\n{page}```\n" for path, page in pages
    )


PAGES = {
    HELP: help_page,
    DOCS / "metrics.md": metrics_page,
    DOCS / "schemes.md": schemes_page,
    DOCS / "formats.md": formats_page,
    DOCS / "content-pages.md": content_pages_page,
    DOCS / "coverage.md": coverage_page,
    DOCS / "gates.md": gates_page,
    DOCS / "power.md": power_page,
    DOCS / "promises.md": promises_page,
    DOCS / "whole-runs.md": whole_runs_page,
    DOCS / "techniques.md": technique_page,
    PAGE: stop_early_page,
}

if __name__ == "__main__":
    for path, make in PAGES.items():
        path.write_text(make(), encoding="utf-8")
