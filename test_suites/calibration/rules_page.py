"""The reference page of all rules: ``docs/reference/rules.md``.

The page is generated: ``python -m test_suites.calibration.rules_page``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.judge import liveness
from harness.judge.composite_measurements import ALONE_RULES, PROVEN_RULES
from harness.judge.rules.dns import DNS_RULES, HTTPS_RULES
from harness.judge.rules.files import FILE_PRECONDITIONS, FILE_RULES
from harness.judge.rules.order import REACH_RULES, RULES_VERSION
from harness.judge.rules.preconditions import PRECONDITION_RULES, PRIVATE_RULES
from harness.judge.rules.queries import QUERY_RULES
from harness.judge.rules.refusals import REFUSALS
from harness.judge.rules.sealed import SEALED_RULES
from harness.judge.rules.techniques import TECHNIQUE_RULES
from harness.judge.rules.tls import TLS_RULES
from harness.judge.rules.web import WEB_RULES
from harness.judge.rules.web_pages import PAGE_RULES
from harness.judge.shared_notices import MANY
from harness.judge.trial_features import Rule

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "rules.md"

_START = f"""# Rules of judgement

Version {RULES_VERSION.partition("+")[0]}. A trial is the service's observation paired with the control's. The rules
are tried in order, and the first that matches gives the verdict. Its id is part of the verdict, so
an id is never used again for another meaning. *Insufficient* is never favourable.

Each verdict and assessment contains the version. Until the first release it stays 1; from then
on it increases with each release in which a rule was added, moved or changed. Each rule has a case
(`test_suites/calibration/rule_cases.py`), and [scenarios](scenarios.md) simulate them on a network.

A block needs evidence of a block, and access needs evidence of the page. For pages of our own
origin there are three answers, in this order: *content came* (the token or a delivery word arrived,
even if the answer was changed or did not end), *a block was seen* (the whole answer was read and
decoded, is known as a block page, and is unlike the origin's content; or it was an explicit
refusal), and *neither*, which is insufficient and states what was seen.

What the supplier's block page looks like is learned from the must-block sentinels of the same
journal, and from `service.block_page` of the [campaign file](campaign-file.md).

The words, the title or the host of a block page are easily copied onto other content. So they count
only on a page that cannot contain other content: no more pictures, frames, scripts and style sheets
than the pages shown to the must-block sentinels; less unknown text than half of the control's text;
and no frame that shows something else. A frame of the block page's host counts only on a page
without text of its own. A page at that host must be known, or have no text. Scripts are not run and
pictures are not examined: a supplier whose block page always has them could show others in their
place. If a supplier has several block pages, give a sentinel for each (`sentinels` in the campaign
file), so that all of them are known.

Pictures and style sheets that a learned page showed do not count as other content where they have the
same absolute address, nor do those that a notice of the same words showed in the place of at least
{MANY} pages of our own origin: so each category may have a page of its own. The picture on Squid's own
pages (`/squid-internal-…`) never counts; like other pictures it is not examined.

A page *came* if it is what a person sees. Its token in a block page (rule `token-in-block-page`)
counts against the service, whether the page should be blocked or let through. Where something else
is shown, or a notice of a block stands above the page (`token-not-shown`), the item counts as
delivered if it should be blocked, and as undecided if it should come. What a style or an attribute
hides is not shown; scripts are not run, and what lies behind another element is not known.

This page is generated: `python -m test_suites.calibration.rules_page`.
"""

_SECTIONS: tuple[tuple[str, str, Sequence[Rule]], ...] = (
    (
        "Preconditions",
        "Why a trial cannot be judged: no control, no line, a failure of our own equipment.",
        PRECONDITION_RULES,
    ),
    (
        "Files: preconditions",
        "What a file needs on the control line, beside a page's ([files](files.md)).",
        FILE_PRECONDITIONS,
    ),
    ("Reach", "Probes of other protocols: was the far end reached?", REACH_RULES),
    (
        "Sealed lists",
        (
            "Entries that only their holder knows ([how to](../how-to/test-a-sealed-list.md)). Where nothing "
            "came, the rules under *Delivery, refusals and failures* follow."
        ),
        SEALED_RULES,
    ),
    (
        "Queries of name servers",
        (
            "Forms of queries and signed names, of the probe `dns_queries`. Whether a name is blocked in a form "
            "is judged by the rules for *Names*."
        ),
        QUERY_RULES,
    ),
    (
        "HTTPS records",
        "Verdicts of the probe `dns_https` are recorded, but do not count in any rate.",
        HTTPS_RULES,
    ),
    ("Names", "Answers of resolvers.", DNS_RULES),
    (
        "Techniques to bypass the filter",
        (
            "Trials of the probe `techniques`. The technique brought the page on the control line, so what "
            "is asked is whether it did on the service's line, and not how it was stopped."
        ),
        TECHNIQUE_RULES,
    ),
    (
        "Checks of TLS",
        (
            "Trials of the probe `tls_checks`. A verdict says whether the page came to a client that verifies "
            "as a current browser does; it counts in no rate. The metrics of TLS compare what the clients saw "
            "on both lines ([dd-047](../design/dd-047-tls-interception.md))."
        ),
        TLS_RULES,
    ),
    (
        "Private addresses",
        "Not fetched, because they were not declared ([dd-012](../design/dd-012-address-guard.md)).",
        PRIVATE_RULES,
    ),
    (
        "Files",
        "What came of a file that was downloaded ([files](files.md)).",
        FILE_RULES,
    ),
    (
        "Delivery, refusals and failures",
        "First: did the origin's page arrive? Then: was there an explicit refusal?",
        WEB_RULES,
    ),
    ("Pages", "A whole answer came, and it is not the origin's: is it a block page?", PAGE_RULES),
    (
        "Measurements of other parties",
        "Tried before all other rules, and only for these measurements.",
        PROVEN_RULES,
    ),
    ("Pages without a control", "Used instead of all other rules.", ALONE_RULES),
)


_REFUSALS = """## Explicit refusals

An explicit refusal counts as a block although no block page was seen. The failure must come before
any part of an answer, at a stage that the control passed for the same item in the same batch.
Nothing else is a refusal, except that a proxy's answer to CONNECT (rules `tunnel-refused`,
`tunnel-refused-learned`), plain text in place of a TLS handshake (`tls-plain-answer`), the answers
of resolvers under *Names*, and the statuses 403 and 451 without a page (`status-403`,
`status-451`) are explicit refusals too. A page with almost no text that shows a picture, a
background, a frame, a script or the fields of a form still counts as a page.

| rule | failure | stage | what the control showed |
|---|---|---|---|
"""

_LIVENESS = """## Blocks on a line that may be down

A block found by a rule above counts only if the line worked at that time; see
[dd-009](../design/dd-009-liveness.md). Each of these rules makes it **insufficient**. Measurements
of other parties contain no heartbeats, and are judged without these rules.

An item that was blocked and passed when it was tried again (with the longest timeout, at once, at
the end, or by the second client) is **allowed** by rule `passed-on-retry`, and keeps the mechanism
of its block: it counts against the service, whether the item should be blocked or let through.

| rule | says |
|---|---|
"""


def rules_page() -> str:
    """The whole page."""
    words = "".join(f"| `{rule}` | {says} |\n" for rule, says in liveness.WORDS.items())
    sections = (_section(*each) for each in _SECTIONS)
    return "\n".join((_START, *sections, _refusals(), _LIVENESS + words))


def _refusals() -> str:
    rows = "\n".join(
        f"| `{each.rule}` | {', '.join(sorted(each.failures))} "
        f"| {', '.join(sorted(each.stages))} | {each.control} |"
        for each in REFUSALS
    )
    return f"{_REFUSALS}{rows}\n"


def _section(title: str, about: str, rules: Sequence[Rule]) -> str:
    rows = "\n".join(map(_row, rules))
    return f"## {title}\n\n{about}\n\n| rule | verdict | mechanism | says |\n|---|---|---|---|\n{rows}\n"


def _row(rule: Rule) -> str:
    refusal = ", refused by the origin" if rule.origin_refusal else ""
    mechanism = "–" if rule.mechanism.value == "none" else f"`{rule.mechanism}`"  # noqa: RUF001 - an en dash for nothing
    return f"| `{rule.id}` | **{rule.state}**{refusal} | {mechanism} | {rule.says} |"


if __name__ == "__main__":
    PAGE.write_text(rules_page(), encoding="utf-8")
