"""The words for outcomes, shared by the terminal, the HTML report and pytest.

Numbers get as many digits as it takes to tell them from the threshold, so a lower bound of
89.96 % is never shown as "90.0 %" beside a requirement of 90 %. Internal codes (metric ids,
provenance marks) are replaced by words here; they stay in JSON and CSV.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from harness.assess.outcomes import LEFT_OUT
from harness.model.corpus import is_among
from harness.model.coverage import DURATIONS, MILLISECONDS
from harness.model.metric import Metric
from harness.model.metric_spec import spec_of
from harness.model.outcome import Assessment, Conformity, Outcome, Witness
from harness.model.outcome_group import SHOWN
from harness.model.scheme import Requirement, Threshold
from harness.model.scope import SCOPE_WORDS
from harness.untrusted.visible_text import visible
from reports.words import STATES, capitalised, mechanism_name

Direction = Literal["at_least", "at_most", ""]
SYMBOLS = {
    Conformity.CONFORMS: "✓",
    Conformity.DOES_NOT_CONFORM: "✗",
    Conformity.INSUFFICIENT: "?",
}
WORDS = {
    Conformity.CONFORMS: "Conforms",
    Conformity.DOES_NOT_CONFORM: "Does not conform",
    Conformity.INSUFFICIENT: "Not decided",
}
_PERCENT = re.compile(r"(\d)(?:\.0+)? %|(\d)\.0+(?= to [\d.]+ %)")
SECONDS = frozenset({"s", "second", "seconds"})
RATES = frozenset({"rate", "fraction", "share", "proportion"})
"""Units shown as percentages; a ratio may be more than 1 and is not among them."""
RATIO = "ratio"
FOR_INFORMATION = "For information"
INFORMATION = "for information only"
LEANINGS = {
    "pass": "its value alone passes",
    "fail": "its value alone fails",
}
"""What the measured value of an undecided outcome says, which decides nothing."""
NOUNS = {"agreed": "test items", "real": "real sites", "content": "test pages"}
"""What items are called, by their kind."""
NONE = "–"  # noqa: RUF001 - a dash is meant
"""Shown where there is no number; a rate with n = 0 is not 0."""


def plain(text: str, keep: str = "") -> str:
    """Text from outside on one line, without what could steer a terminal or hide in it.

    A supplier's page is hostile input: control characters (ECMA-48), line breaks, invisible
    characters and bidirectional overrides (Unicode UAX 9) are escaped, but those in ``keep``.
    """
    return visible(text, keep)


def percent(value: float | None, beside: float | None = None) -> str:
    """A fraction as a percentage, with enough digits to stay on its side of ``beside``."""
    if value is None:
        return NONE
    shown, digits = value * 100, 1
    for digits in range(1, 6):
        shown = round(value * 100, digits)
        is_edge_true = (shown in {0, 100}) == (value in {0, 1})
        if is_edge_true and (beside is None or _keeps_side(shown, value, beside)):
            break
    return f"{shown:.{digits}f} %"


def answers(times: Sequence[float]) -> str:
    """How many answers were timed; of very many, an assessment keeps some."""
    return f"{len(times):,}" + (" or more" if len(times) >= SHOWN else "")


def quantity(value: float | None, unit: str, beside: float | None = None) -> str:
    """A number in its unit: rates as percentages, seconds as milliseconds, ratios bare."""
    if value is None:
        return NONE
    if unit == RATIO:
        return f"{value:.6g}"
    if unit in RATES:
        return percent(value, beside)
    if unit in SECONDS:
        return f"{value * 1000:.{0 if abs(value) >= 0.1 else 1}f} ms"  # noqa: PLR2004 - digits
    return f"{value:.6g} {unit}".rstrip()


def tight(text: str) -> str:
    """The text as a page prints numbers: "90%" instead of "90.0 %" (GOV.UK style)."""
    return _PERCENT.sub(lambda found: f"{found[1]}%" if found[1] else found[2], text)


def threshold(requirement: Requirement, unit: str) -> str:
    """What is required, in words: "at least 90 %", "at most 150 ms", "for information only"."""
    limit = requirement.threshold
    if limit is None or limit_of(limit) is None:
        return INFORMATION
    sides = (("at least", limit.at_least), ("at most", limit.at_most))
    words = " and ".join(f"{side} {_brief(mark, unit)}" for side, mark in sides if mark is not None)
    return f"{words} ({INFORMATION})" if requirement.rule == "report" else words


def demand(requirement: Requirement, unit: str) -> str:
    """The threshold as a sign and a number: "≥ 90 %"."""
    words = threshold(requirement, unit)
    return words.replace("at least", "≥").replace("at most", "≤")


def limit_of(limit: Threshold | None) -> float | None:
    """The number of a threshold, whichever way it points."""
    if limit is None:
        return None
    return limit.at_least if limit.at_least is not None else limit.at_most


def direction(limit: Threshold | None) -> Direction:
    """Which way a threshold points; empty if there is none."""
    if limit is None or limit_of(limit) is None:
        return ""
    return "at_least" if limit.at_least is not None else "at_most"


def is_counted(metric: Metric) -> bool:
    """Whether ``k`` of ``n`` items of the metric have a meaning for people."""
    return bool(spec_of(metric.name).verb)


def counted(outcome: Outcome) -> str:
    """What was counted: "97 of 100 items were blocked", and in how many domains."""
    metric = outcome.metric
    verb = spec_of(metric.name).verb
    items = f"{metric.k} of {metric.n} items {verb}" if verb else f"{metric.n} items measured"
    unnamed = ""
    if metric.unnamed:
        unnamed = f"{metric.unnamed} have no registrable domain and count as independent"
    return "; ".join(filter(None, (items, by_domain(outcome), unnamed)))


def items_of(outcome: Outcome) -> str:
    """What the counted items are: "real sites", "test entries" of an illegal list, "items"."""
    kind = outcome.counted_kind
    illegal = outcome.requirement.measure.categories
    if kind == "agreed" and illegal and all(is_among(code, ("ILL",)) for code in illegal):
        return "test entries"
    return NOUNS.get(kind, "items")


def based_on(outcome: Outcome) -> str:
    """What items an outcome is based on, and whose counts are shown if they are others."""
    if not outcome.kind:
        return ""
    shown = outcome.counted_kind
    beside = f", shown: {shown} items" if shown != outcome.kind else ""
    return f"based on {outcome.kind} items{beside}"


def count(outcome: Outcome) -> str:
    """What was counted: "41 of 60 test items were blocked (68.3%)"."""
    metric = outcome.metric
    verb = spec_of(metric.name).verb
    if not verb:
        return tight(f"{value(outcome)} was measured: {spec_of(metric.name).title}")
    items = f"{metric.k:,} of {metric.n:,} {items_of(outcome)} {verb}"
    rate = f" ({value(outcome)})" if metric.unit in RATES and 0 < metric.k < metric.n else ""
    return tight("; ".join(filter(None, (items + rate, by_domain(outcome)))))


def count_and_rule(outcome: Outcome) -> str:
    """The count, then the rule: "2 of 120 test entries got through. None may."."""
    limit, verb = outcome.requirement.threshold, spec_of(outcome.metric.name).verb
    rule = capitalised(threshold(outcome.requirement, outcome.metric.unit))
    if not verb or limit is None or limit_of(limit) is None:
        return tight(f"{count(outcome)}. {rule} is required.")
    must = "must" if limit.at_least is not None else "may"
    must += " be" if verb.startswith("were ") else ""
    return tight(f"{count(outcome)}. {'None' if limit.at_most == 0 else rule} {must}.")


def left_out(outcome: Outcome) -> tuple[str, ...]:
    """How many items were left out, and why, one text a reason."""
    return tuple(
        f"{count} left out ({LEFT_OUT.get(reason, reason)})"
        for reason, count in outcome.metric.left_out.items()
    )


def by_domain(outcome: Outcome) -> str:
    """The rate with each domain counted once, where several items share a domain; else empty."""
    spread = outcome.metric.spread
    if spread is None or spread.rate is None:
        return ""
    rate = quantity(spread.rate, outcome.metric.unit, limit_of(outcome.requirement.threshold))
    return f"{rate} by domain, {spread.domains} domains"


def bounds(outcome: Outcome) -> str:
    """The one-sided bounds: "86.0 to 95.9 %", "86.0 % or more", or a dash if there are none."""
    metric = outcome.metric
    if metric.lower is None and metric.upper is None:
        return NONE
    beside = limit_of(outcome.requirement.threshold)
    low, high = (quantity(end, metric.unit, beside) for end in (metric.lower, metric.upper))
    if metric.lower is None:
        return f"{high} or less"
    if metric.upper is None:
        return f"{low} or more"
    number, _, unit = low.partition(" ")
    return f"{number if unit == high.partition(' ')[2] else low} to {high}"


def confidence(alpha: float) -> str:
    """The level of one one-sided bound: "95 %"."""
    return f"{(1 - alpha) * 100:.6g} %"


def value(outcome: Outcome) -> str:
    """The measured value beside its threshold."""
    metric = outcome.metric
    return quantity(metric.value, metric.unit, limit_of(outcome.requirement.threshold))


def word(decided: Outcome | Assessment) -> str:
    """The conformity in words, with its limit: "Conforms: agreed list only".

    A requirement that is only reported was not left undecided: it is for information.
    """
    if isinstance(decided, Outcome) and decided.requirement.rule == "report":
        return FOR_INFORMATION
    said = WORDS[decided.conformity]
    limit = decided.limit if isinstance(decided, Assessment) else decided.qualifier
    return f"{said}: {limit}" if limit else said


def beyond(assessment: Assessment) -> str:
    """What a limited scope leaves unsaid, as a sentence; empty for the whole service."""
    if not SCOPE_WORDS[assessment.scope]:
        return ""
    told = SCOPE_WORDS[assessment.scope].capitalize()
    if not assessment.beyond_scope:
        return f"{told}."
    names = ", ".join(assessment.beyond_scope)
    return f"{told}: nothing is said about {names}, which the scheme asks for as well."


def registration(assessment: Assessment) -> str:
    """Which campaign of the service it is, and how the earlier ones ended, as a sentence.

    Empty where nobody looked, as in older assessments.
    """
    if assessment.registration is None:
        return ""
    said = assessment.registration.sentence
    return f"{said[:1].upper()}{said[1:]}."


def verdict(outcome: Outcome) -> str:
    """Symbol and word; never colour alone."""
    return f"{symbol(outcome)} {word(outcome)}"


def symbol(outcome: Outcome) -> str:
    """The symbol of an outcome; a dash for what is only reported."""
    return NONE if outcome.requirement.rule == "report" else SYMBOLS[outcome.conformity]


def sentence(outcome: Outcome) -> str:
    """The whole outcome in one sentence, with k/n, bounds, threshold and reasons."""
    requirement, metric = outcome.requirement, outcome.metric
    where = f"{requirement.id} ({requirement.title}) for {outcome.profile} on {outcome.line}"
    said = word(outcome)
    parts = [f"{where}: {said[:1].lower()}{said[1:]}", f"{counted(outcome)} ({value(outcome)})"]
    if metric.lower is not None or metric.upper is not None:
        parts.append(f"one-sided {confidence(metric.alpha)} bounds {bounds(outcome)}")
    parts.append(f"required: {threshold(requirement, metric.unit)}")
    if outcome.kind:
        parts.append(based_on(outcome))
    if planned(outcome):
        parts.append(planned(outcome))
    if metric.indeterminate:
        parts.append(f"{metric.indeterminate} undecided items counted as the worst case")
    if outcome.leaning in LEANINGS:
        parts.append(LEANINGS[outcome.leaning])
    return plain("; ".join((*parts, *outcome.reasons)) + ".")


def planned(outcome: Outcome) -> str:
    """A note that a stopping plan decided instead of the bounds; empty if none did."""
    test = outcome.sequential
    if test is None:
        return ""
    word = "undecided" if test.why_open else "decided"
    return f"{word} by stopping plan {test.plan} after {test.used} items"


def corrected(outcome: Outcome) -> str:
    """The block rate on truly harmful items after an audit of the labels; empty without one."""
    audit = outcome.corrected
    if audit is None or audit.lower is None or audit.upper is None:
        return ""
    labels = f"{audit.wrong} of {audit.audited} audited labels were wrong"
    error = f"so up to {percent(audit.label_error)} of all may be"
    rates = f"{percent(audit.lower)} to {percent(audit.upper)}"
    return f"{labels}, {error}: of truly harmful items, {rates} were blocked ({INFORMATION})"


def witness_line(witness: Witness) -> str:
    """One item behind an outcome, on one line."""
    name = f"{witness.item} {witness.value}".rstrip()
    saw = f": {'; '.join(witness.saw)}" if witness.saw else ""
    how = STATES.get(witness.state, witness.state)
    if witness.mechanism != "none":
        how += f", {mechanism_name(witness.mechanism)}"
    return plain(f"{name} ({witness.category}): {how} (rule {witness.rule}){saw}")


def tally(assessment: Assessment) -> dict[Conformity, int]:
    """How many binding outcomes ended each way; every key is present."""
    counts = Counter(out.conformity for out in assessment.outcomes if out.requirement.binding)
    return {conformity: counts[conformity] for conformity in Conformity}


def headline(assessment: Assessment) -> str:
    """The assessment in one plain sentence, and a second one if its scope is limited."""
    return " ".join(filter(None, (_headline(assessment), beyond(assessment))))


def _headline(assessment: Assessment) -> str:
    counts = tally(assessment)
    total = sum(counts.values())
    if not total:
        return "No binding requirement was decided, so nothing is shown to conform."
    subject = assessment.service or "The service"
    met, failed, open_ = (counts[conformity] for conformity in Conformity)
    if met == total:
        checks = "the one check" if total == 1 else f"all {total} checks"
        limit = f", on {assessment.qualifier}" if assessment.qualifier else ""
        return f"{subject} meets {checks} of this specification{limit}."
    fails = f" and fails {failed}" if failed else ""
    undecided = f"; {open_} could not be decided: too little evidence" if open_ else ""
    return f"{subject} meets {met} of {total} checks{fails}{undecided}."


def witnesses(assessment: Assessment) -> list[str]:
    """Who signed how far journal and registry had come, one a line; or that nobody did."""
    return [
        f"{each.witness} (key {each.key}) signed {each.entries:,} entries of the {each.of} on "
        f"{each.at:%Y-%m-%d %H:%M} UTC"
        for each in assessment.witnessed
    ] or ["no witness signed the heads of journal or registry"]


def vouched_time(assessment: Assessment) -> str:
    """What vouches for the times of a measurement, in words."""
    if assessment.has_synchronised_clock:
        return "the clock was synchronised"
    signed = [each for each in assessment.witnessed if each.of == "journal"]
    if signed:
        return f"not synchronised; {signed[-1].witness} signed the journal"
    return "nothing vouches for it: the clock was not synchronised, and there is no witness"


def _keeps_side(shown: float, exact: float, beside: float) -> bool:
    line = round(beside * 100, 9)
    return (shown > line, shown < line) == (exact > beside, exact < beside)


def _brief(number: float, unit: str) -> str:
    """A declared number without digits that nobody declared."""
    if unit in RATES:
        return f"{round(number * 100, 9):.6g} %"
    if unit in SECONDS:
        size, name = next((each for each in DURATIONS if number >= 2 * each[0]), MILLISECONDS)
        return f"{round(number / size, 9):.6g} {name}"
    if unit == RATIO:
        return f"{number:.6g}"
    return f"{number:.6g} {unit}".rstrip()
