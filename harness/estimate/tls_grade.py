"""The grade of an interception after Durumeric et al., *The Security Impact of HTTPS Interception*.

NDSS 2017, section 6: *A* as good as a current browser, *B* not optimal, without a known attack, *C*
open to a known attack, *F* so broken that an attacker on the way can read everything. The worst of
all reasons stands. A service that opens no connection has grade A, if that was seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from harness.estimate.item_selection import Selection
from harness.estimate.log_selection import part
from harness.estimate.rates import MeasuredMetric
from harness.estimate.tls_cases import (
    Answer,
    CaseCount,
    carried,
    count_trials,
    errors_told,
    faults_hidden,
    trials_of,
    witnesses,
)
from harness.estimate.tls_metrics import (
    KEPT_HTTP_2,
    KEPT_WEBSOCKET,
    downgrade_cases,
    weak_cases,
)
from harness.model.metric import Metric, Part
from harness.model.tls_check import CASES
from harness.model.tls_trial import TlsTrial
from harness.model.tls_view import VERSIONS

A, B, C, F = 1, 2, 3, 6
LETTERS = {A: "A", B: "B", C: "C", F: "F"}

KNOWN_ATTACKS = {
    CASES["sha1"].words: "collisions of SHA-1",
    CASES["tls10"].words: "BEAST",
    CASES["dh1024"].words: "Logjam",
    "RC4, offered to the website": "biases of RC4",
    "3DES, offered to the website": "Sweet32",
}
"""Kinds of weakness for which an attack is known."""

NOT_OPTIMAL = frozenset({CASES["tls11"].words, CASES["static-rsa"].words})
NO_MATTER = frozenset({KEPT_HTTP_2, KEPT_WEBSOCKET})
"""Properties that make a connection slower or break it, and no weaker."""

SEVERE_CIPHERS = ("NULL", "EXP-", "DES-CBC-SHA", "ADH-", "AECDH-")
SEVERE_OFFER = "no cipher without encryption, of export strength, of DES or without authentication"
WEAK_VERSION = "to the client at least TLS 1.2"


class Reason(NamedTuple):
    """One thing that was looked at: the grade if it is not as it has to be."""

    grade: int
    case: CaseCount


def interception_grade(selection: Selection) -> MeasuredMetric:
    """Compute the grade, A = 1 to F = 6; what could not be decided may be the worst."""
    reasons = list(_reasons(selection))
    against = [one for one in reasons if one.case.wrong]
    undecided = [one for one in reasons if not one.case.is_decided]
    decided = len(reasons) - len(undecided)
    tried = any(one.case.right or one.case.wrong or one.case.undecided for one in reasons)
    grade = max((one.grade for one in against), default=A)
    metric = Metric(
        name="interception_grade",
        unit="grade",
        value=float(grade) if decided else None,
        k=len(against),
        n=decided,
        indeterminate=len(undecided) if tried else 0,
        lower=float(grade) if decided else None,
        upper=float(max([grade, *(one.grade for one in undecided)])) if decided else None,
        method="Durumeric et al. 2017; the worst reason stands",
        alpha=selection.alpha,
        parts=tuple(_part(selection, one) for one in reasons),
    )
    return MeasuredMetric(
        metric=metric,
        witnesses=witnesses(one.case for one in against),
        conditions=(carried(selection),) if tried else (),
    )


def _part(selection: Selection, reason: Reason) -> Part:
    case = reason.case
    wrong = len(case.wrong)
    words = f"{LETTERS[reason.grade]} if not: {case.words}"
    return part(selection, words, wrong, wrong + case.right, case.undecided)


def _reasons(selection: Selection) -> Iterator[Reason]:
    """Yield everything that the grade rests on."""
    for case in (*faults_hidden(selection), *weak_cases(selection)):
        if case.words in KNOWN_ATTACKS:
            attack = f"{case.words} is refused ({KNOWN_ATTACKS[case.words]})"
            yield Reason(C, case._replace(words=attack))
        else:
            grade = B if case.words in NOT_OPTIMAL else F
            yield Reason(grade, case._replace(words=f"{case.words} is refused"))
    told = errors_told(selection)
    yield Reason(B, _joined("users are told of errors of certificates", told))
    kept = [one for one in downgrade_cases(selection) if one.words not in NO_MATTER]
    yield Reason(B, _joined("to the client as strong as without the service", kept))
    good = trials_of(selection).get("good", [])
    yield Reason(C, count_trials(WEAK_VERSION, good, _has_current_version))
    yield Reason(F, count_trials(SEVERE_OFFER, good, _offers_nothing_severe))


def _joined(words: str, cases: list[CaseCount]) -> CaseCount:
    return CaseCount(
        words=words,
        wrong=tuple(trial for one in cases for trial in one.wrong),
        right=sum(one.right for one in cases),
        undecided=sum(one.undecided for one in cases),
    )


def _has_current_version(trial: TlsTrial) -> Answer:
    strict = trial.view("strict")
    if strict is None or not strict.is_open or trial.is_void:
        return None
    return VERSIONS.index(strict.version) >= VERSIONS.index("TLSv1.2")


def _offers_nothing_severe(trial: TlsTrial) -> Answer:
    """Whether what reaches the origin is the client's own offer, or one without broken ciphers."""
    if not trial.came or not trial.offers or trial.is_opened is None:
        return None
    names = [cipher for offer in trial.service_offers for cipher in offer.ciphers]
    if any(piece in name for name in names for piece in SEVERE_CIPHERS):
        return False
    return True if names or not trial.is_opened else None
