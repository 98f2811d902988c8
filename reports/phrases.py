"""Says an outcome in words: one wording for the terminal, the page and pytest.

Numbers are printed with as many digits as it takes to tell them from the threshold, so a
lower bound of 89.96 % is never shown as "90.0 %" beside a requirement of 90 %.
"""

from __future__ import annotations

import csv
import functools
from collections import Counter
from collections.abc import Sequence
from importlib import resources

from harness.model.outcome import Assessment, Conformity, Outcome, Witness
from harness.model.outcome_group import SHOWN
from harness.model.scheme import Requirement, Threshold
from harness.untrusted.visible_text import visible

SYMBOLS = {
    Conformity.CONFORMS: "✓",
    Conformity.DOES_NOT_CONFORM: "✗",
    Conformity.INSUFFICIENT: "?",
}
WORDS = {
    Conformity.CONFORMS: "Conforms",
    Conformity.DOES_NOT_CONFORM: "Does not conform",
    Conformity.INSUFFICIENT: "Insufficient evidence",
}
SEVERITIES = {"Crit": "critical", "Maj": "major", "Min": "minor", "Obs": "observation"}
PROVENANCES = {
    "seen": "seen in a published source",
    "reported": "widely reported, primary text not seen",
    "proposed": "proposed by this project",
}
COUNTED = {
    "block_rate": "blocked",
    "block_rate_by_category": "blocked",
    "block_rate_by_language": "blocked",
    "block_rate_by_stratum": "blocked",
    "content_block_rate": "blocked",
    "overblock_rate": "wrongly blocked",
    "overblock_rate_by_category": "wrongly blocked",
    "missed": "let through",
    "overblocked": "wrongly blocked",
    "explicit_share": "blocked with an explanation",
}
"""What ``k`` of ``n`` items did, by metric."""
SECONDS = frozenset({"s", "second", "seconds"})
RATES = frozenset({"rate", "fraction", "share", "proportion"})
"""Parts of a whole, shown as percentages; a ratio may well be more than the whole."""
RATIO = "ratio"
LEANINGS = {"pass": "leaning pass", "fail": "leaning fail"}
NONE = "–"  # noqa: RUF001 - a dash is meant
"""Stands where there is no number; a rate with n = 0 is not 0."""


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


def threshold(requirement: Requirement, unit: str) -> str:
    """The demand in words: "at least 90 %", "at most 150 ms", or "report only"."""
    limit = requirement.threshold
    if limit is None or limit_of(limit) is None:
        return "report only"
    if limit.at_least is not None:
        return f"at least {_brief(limit.at_least, unit)}"
    return f"at most {_brief(limit.at_most or 0.0, unit)}"


def demand(requirement: Requirement, unit: str) -> str:
    """The threshold as a sign and a number: "≥ 90 %"."""
    words = threshold(requirement, unit)
    return words.replace("at least", "≥").replace("at most", "≤")


def origin(requirement: Requirement, unit: str) -> str:
    """The demand, how grave it is, and where its number comes from, in whole sentences."""
    limit = requirement.threshold
    binding = "" if requirement.binding else "; not binding"
    severity = SEVERITIES[requirement.severity]
    words = f"Required: {threshold(requirement, unit)}; {severity}{binding}."
    if limit is None:
        return words
    words += f" The number is {PROVENANCES[limit.provenance]} ({limit.provenance}): "
    words += limit.source.removesuffix(".") + "."
    return f"{words} Compare {'; '.join(limit.comparators)}." if limit.comparators else words


def limit_of(limit: Threshold | None) -> float | None:
    """The number of a threshold, whichever way it points."""
    if limit is None:
        return None
    return limit.at_least if limit.at_least is not None else limit.at_most


def counted(outcome: Outcome) -> str:
    """What was counted: "97 of 100 items blocked", "0 of 0" included; and in how many domains."""
    metric = outcome.metric
    verb = COUNTED.get(metric.name)
    items = f"{metric.k} of {metric.n} items {verb}" if verb else f"{metric.n} items measured"
    unnamed = ""
    if metric.unnamed:
        unnamed = f"{metric.unnamed} without a registrable domain, taken as independent"
    return "; ".join(filter(None, (items, by_domain(outcome), unnamed)))


def by_domain(outcome: Outcome) -> str:
    """The rate with each domain counted once, where pages fall together; else empty."""
    spread = outcome.metric.spread
    if spread is None or spread.rate is None:
        return ""
    rate = quantity(spread.rate, outcome.metric.unit, limit_of(outcome.requirement.threshold))
    return f"{rate} by domain, {spread.domains} domains"


def bounds(outcome: Outcome) -> str:
    """The one-sided bounds, or a dash for the one that could not be formed."""
    metric = outcome.metric
    if metric.lower is None and metric.upper is None:
        return NONE
    beside = limit_of(outcome.requirement.threshold)
    low, high = (quantity(end, metric.unit, beside) for end in (metric.lower, metric.upper))
    number, _, unit = low.partition(" ")
    return f"{number if unit == high.partition(' ')[2] else low} to {high}"


def confidence(alpha: float) -> str:
    """The level of one one-sided bound: "95 %"."""
    return f"{(1 - alpha) * 100:.6g} %"


def value(outcome: Outcome) -> str:
    """The measured value beside its threshold."""
    metric = outcome.metric
    return quantity(metric.value, metric.unit, limit_of(outcome.requirement.threshold))


def word(found: Outcome | Assessment) -> str:
    """The word for what was found, with its limit: "Conforms: agreed list only"."""
    said = WORDS[found.conformity]
    return f"{said}: {found.qualifier}" if found.qualifier else said


def verdict(outcome: Outcome) -> str:
    """Symbol and word, and which way an insufficient outcome leans; never colour alone."""
    words = f"{SYMBOLS[outcome.conformity]} {word(outcome)}"
    return f"{words}, {LEANINGS[outcome.leaning]}" if outcome.leaning in LEANINGS else words


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
        parts.append(f"rests on {outcome.kind} items")
    if planned(outcome):
        parts.append(planned(outcome))
    if metric.indeterminate:
        parts.append(f"{metric.indeterminate} undecided items taken as worst case")
    if outcome.leaning in LEANINGS:
        parts.append(LEANINGS[outcome.leaning])
    return plain("; ".join((*parts, *outcome.reasons)) + ".")


def planned(outcome: Outcome) -> str:
    """That a declared stopping plan decided instead of the bounds; empty if none did."""
    test = outcome.sequential
    if test is None:
        return ""
    word = "undecided" if test.why_open else "decided"
    return f"{word} by stopping plan {test.plan}, {test.used} items"


def corrected(outcome: Outcome) -> str:
    """What a block rate may be on truly harmful items, in a sentence; empty if nobody can say."""
    told = outcome.corrected
    if told is None or told.lower is None or told.upper is None:
        return ""
    audit = f"{told.wrong} of {told.audited} audited labels were wrong"
    error = f"so up to {percent(told.label_error)} of all may be"
    rates = f"{percent(told.lower)} to {percent(told.upper)}"
    return f"{audit}, {error}: of truly harmful items, {rates} were blocked (not decided by)"


def seen_of(witness: Witness) -> str:
    """One witness on one line."""
    name = f"{witness.item} {witness.value}".rstrip()
    saw = f": {'; '.join(witness.saw)}" if witness.saw else ""
    how = f"{witness.state} by {witness.mechanism} ({witness.rule})"
    return plain(f"{name} [{witness.category}] {how}{saw}")


def tally(assessment: Assessment) -> dict[Conformity, int]:
    """How many binding outcomes ended each way; every key is present."""
    found = Counter(out.conformity for out in assessment.outcomes if out.requirement.binding)
    return {conformity: found[conformity] for conformity in Conformity}


def headline(assessment: Assessment) -> str:
    """The assessment in one plain sentence."""
    counts = tally(assessment)
    total = sum(counts.values())
    if not total:
        return "Nothing binding was decided, so nothing is shown to conform."
    subject = assessment.service or "The service"
    met, failed, open_ = (counts[conformity] for conformity in Conformity)
    if met == total:
        checks = "the one check" if total == 1 else f"all {total} checks"
        limit = f", on {assessment.qualifier}" if assessment.qualifier else ""
        return f"{subject} meets {checks} of this specification{limit}."
    parts = [f"meets {met} of {total} checks"]
    if failed:
        parts.append(f"fails {failed}")
    if open_:
        parts.append(f"leaves {open_} undecided for want of evidence")
    return f"{subject} {', '.join(parts[:-1])}{' and ' if parts[1:] else ''}{parts[-1]}."


def _keeps_side(shown: float, exact: float, beside: float) -> bool:
    line = round(beside * 100, 9)
    return (shown > line, shown < line) == (exact > beside, exact < beside)


DURATIONS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
MILLISECONDS = (0.001, "ms")
"""A declared duration is told in the greatest unit of which it holds two."""


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


MECHANISMS = {
    "none": "nothing stood in the way",
    "dns_nxdomain": "the name was said not to exist",
    "dns_nodata": "the name was given no address",
    "dns_sinkhole": "the name was given a false address",
    "dns_refused": "the name server refused to answer",
    "dns_servfail": "the name server failed",
    "dns_silent": "the name server stayed silent",
    "proxy_refusal": "the proxy refused the connection",
    "block_page": "a block page was shown",
    "http_451": "blocked for legal reasons (status 451)",
    "redirect": "sent to another page",
    "tcp_reset": "the connection was cut off",
    "tcp_refused": "the connection was refused",
    "tcp_eof": "the connection was closed early",
    "icmp_unreachable": "the network said the address cannot be reached",
    "tls_alert": "encryption was refused",
    "tls_intercept_page": "a block page was put inside the encryption",
    "silent_drop": "no answer came",
    "other": "another way",
}
"""Each mechanism as a head teacher would say it."""

STATES = {
    "allowed": "opened",
    "blocked": "blocked",
    "altered": "changed on the way",
    "down": "site was down",
    "insufficient": "undecided",
}

METRICS = {
    "block_rate": "share of items blocked",
    "overblock_rate": "share of items wrongly blocked",
    "missed": "items let through",
    "overblocked": "items wrongly blocked",
    "explicit_share": "share of blocks that say so",
    "first_byte_overhead": "waiting added by the filter",
}


def category_name(code: str) -> str:
    """The taxonomy's name of a category, or the code itself where there is none.

    The taxonomy is read as a table beside the packs: reports know no corpus.
    """
    return _categories().get(code, code)


def labelled(code: str) -> str:
    """The name of a category with its code, or the code alone where it has no name."""
    name = category_name(code)
    return code if name == code else f"{name} ({code})"


def framed(text: str, frame: str) -> str:
    """With the frame that counts come from, where items do not count alike."""
    return f"{text}, {frame}" if frame else text


def mechanism_name(code: str) -> str:
    """A mechanism in plain words, or the code itself."""
    return MECHANISMS.get(code, code)


@functools.cache
def _categories() -> dict[str, str]:
    try:
        table = resources.files("corpora").joinpath("data", "taxonomy.csv")
        rows = csv.DictReader(table.read_text(encoding="utf-8").splitlines())
        return {row["code"]: row["name"] for row in rows}
    except (OSError, ModuleNotFoundError, KeyError):
        return {}
