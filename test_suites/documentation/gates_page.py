"""``docs/reference/gates.md``: the gates of the catalogue, and what each of them guards."""

from __future__ import annotations

from harness.model.coverage import format_threshold
from harness.model.gate import GATES, Gate
from harness.model.metric_spec import spec_of
from harness.model.scheme import Requirement
from harness.schemes.load import whole_catalogue

HEAD = """\
# Gates

A gate is a requirement on the test itself, not on the service. Gates are decided before any outcome of the service, and
reports show them first. A gate that is not met never fails a supplier: what it guards becomes *insufficient*, with
the reason *gate TQ-05 (...) is not met*. This page is made from `harness/model/gate.py`, which is the one table of
what guards what.

| gate | what is measured | required | guards |
|---|---|---|---|"""

TAIL = """
`TQ-10` (testers are treated as pupils) is no row of this table: in every scheme it acts as a precondition
([schemes](schemes.md#plain-twins)). `TQ-04` (design effect) is reported, and allowed for by every bound. `TQ-07` is about
two laboratories: [compare them](../how-to/compare-two-laboratories.md).

## Met, not met, not shown

- **Met**: what guards nothing away.
- **Not met**: something was measured, and it does not meet the requirement. This always acts, in every scheme that names
  the row.
- **Not shown**: too little is on record, such as no commitment. The row is *insufficient*. It acts on others only if the
  scheme says `binding: true`; in the shipped schemes `TQ-12` alone is binding, in `strict`.

A gate concerns its own line and profile.

## Failures

| a failure stays | under |
|---|---|
| always | `TQ-01`, `TQ-03`: a service could break these itself, by slow, unclear or dead answers, and must not escape so |
| where every item counts (`census`, `functional`, `grade`) | `TQ-05`: an item that was seen to get through did get through, however it was chosen |
| never | all others: wrong labels, a result that cannot be repeated, or an unknown clock prove nothing against anybody |

The outcome then says which way its value points, as any undecided one does.

## Labels (TQ-02)

Each pack of real items needs two facts in its manifest, under `accredit.labels`: `krippendorff_alpha` of at least 0.8
([agree on labels](../how-to/agree-on-labels.md)), and an `audit` of at least 299 randomly drawn labels, whose upper 95 %
bound of wrong ones is at most 1 % (299 without an error). Measuring copies both into the journal's header, so a
manifest that is changed later changes nothing. Agreed items and content pages are made to be what their labels say. The
manifest is the statement of who made the pack: sign packs (`accredit corpus sign`). A pack that `accredit corpus sample` draws
has neither: audit the sample.

## Seed (TQ-05)

See [commit to a sample](../how-to/commit-to-a-sample.md). It is measured for packs that are hidden from suppliers; with none
it is not shown.

## Reproduction (TQ-06)

If the scheme names the row, concluding judges the journal twice: once as usual (perhaps from verdicts that were kept beside
it), and once from its first observation without them. All verdicts, counts and preconditions must be the same, and
versions and clock must be on record. Assessments state the version of the judging rules and the journal's head, so that
`accredit bundle verify` can repeat it anywhere.

## Clock (TQ-12)

Each start and end of a run records the kernel's bound of the clock's error. It must be known and at most 1 s in all
records. Linux adds 0.5 ms to the bound each second since the clock was set, so the bound also says how long ago that was at
most; the outcome states it. See the [instrument record](instrument.md).

## The client's own stack (TQ-13)

TLS library, ClientHello, resolver, kernel and clock must be on record. That the control line is really unfiltered is
seen in each batch: the must-block sentinel has to arrive over it (precondition `origin-answers`). That the machine was not
overloaded is watched while measuring: attempts that it could not make are repeated with lower concurrency
(`instrument_overload`), and undecided where that does not help. What was timed while it was overloaded [is left
out](instrument.md#the-load), in every scheme.
"""


def gates_page() -> str:
    """Return the text of the page."""
    rows = sorted(
        (each for each in whole_catalogue() if each.measure.metric in GATES),
        key=lambda each: each.id,
    )
    lines = (_row(each, GATES[each.measure.metric]) for each in rows)
    return "\n".join((HEAD, *lines)) + "\n" + TAIL


def _row(requirement: Requirement, gate: Gate) -> str:
    spec = spec_of(gate.metric)
    limit = requirement.threshold
    required = format_threshold(limit, spec.unit) if limit else ""
    if requirement.n_min > 1:
        required += f", of at least {requirement.n_min}"
    name = f"**{requirement.id}** {requirement.subject}"
    return f"| {name} | `{gate.metric}`: {spec.counts} | {required} | {gate.guards} |"
