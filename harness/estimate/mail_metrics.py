"""Metrics of what a service does with spam, attachments, agreed words and legitimate mail (EML)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from harness.estimate.interval_choice import TrialShare
from harness.estimate.intervals import Bounds, smallest_level
from harness.estimate.item_selection import Selection
from harness.estimate.log_selection import census, exact_share, part, rate
from harness.estimate.mail_selection import Mails, barred, declared, unknown_mails, witness
from harness.estimate.rates import MeasuredMetric
from harness.model.condition import Condition
from harness.model.mail_case import CASES, DIRECTIONS, KINDS, MailCase, MailKind
from harness.model.metric import Metric, Part, Source
from harness.model.service_mail import SentMail

NO_CORPUS = "no corpus of spam was sent (accredit mail send --spam FILE)"
WEIGHT = 3
"""How much more a legitimate mail that is held back counts than spam that arrives (VBSpam 2010)."""

POLICY: tuple[MailKind, ...] = ("language", "image", "mild", "walled", "partner")
"""The kinds of mail by which a policy is tested."""


def spam_score(selection: Selection) -> MeasuredMetric:
    """Compute the share of spam that was stopped or marked, less three times the false positives.

    It rests on the corpus of the tester: every filter knows the agreed test message. Each of the
    two shares has bounds at half the level of error, so that both hold together (Bonferroni).
    """
    mails = Mails(selection)
    spam, ham, agreed = mails.of("spam"), mails.of("ham"), mails.of("gtube")
    caught, right = TrialShare(mails.answers(spam)), TrialShare(mails.answers(ham))

    def bounds(alpha: float) -> tuple[float | None, float | None]:
        of_spam, let_in = caught.bounds(alpha / 2), right.bounds(alpha / 2)
        held = Bounds(_rest(let_in.upper), _rest(let_in.lower))
        return _less(of_spam.lower, held.upper), _less(of_spam.upper, held.lower)

    lower, upper = bounds(selection.alpha)
    threshold = selection.requirement.threshold
    mark = threshold.at_least if threshold is not None else None
    p_value = None
    if mark is not None and upper is not None:
        p_value = smallest_level(lambda alpha: (bounds(alpha)[1] or 0.0) < mark)
    metric = Metric(
        name="spam_score",
        unit="share",
        value=_less(_share_of(caught), _rest(_share_of(right))),
        k=caught.k,
        n=caught.n if right.n else 0,
        indeterminate=caught.undecided,
        lower=lower,
        upper=upper,
        method=f"{caught.k} of {caught.n} spam mails stopped or marked ({caught.method}) and "
        f"{right.n - right.k} of {right.n} legitimate mails held back ({right.method}), both "
        "shares at half the level of error",
        alpha=selection.alpha,
        p_value=p_value,
        parts=(
            _share(selection, "spam of the corpus", mails, spam),
            _share(selection, "legitimate mail", mails, ham),
            _share(selection, KINDS["gtube"], mails, agreed, is_basis=False),
        ),
    )
    why = barred(selection) or ("" if spam else NO_CORPUS)
    wrong = mails.wrong([*spam, *agreed, *ham])
    return MeasuredMetric(
        metric=metric,
        witnesses=tuple(map(witness, wrong)),
        barred=why,
        conditions=unknown_mails(selection),
    )


def infected_mail_passed(selection: Selection) -> MeasuredMetric:
    """Count infected attachments that arrived; each variant is sent in both directions.

    An attachment that the service cannot open is left out if it declares to let these pass.
    """
    mails = Mails(selection)
    service = declared(selection)
    lets_pass = service is not None and service.encrypted == "allow"
    cases = [
        case
        for case in CASES
        if case.kind == "infected" and not (case.variant == "encrypted" and lets_pass)
    ]
    return _counted(selection, mails, cases)


def mail_policy_compliance(selection: Selection) -> MeasuredMetric:
    """Compute the share of mail handled as the policy says: words, images, restricted accounts."""
    mails = Mails(selection)
    cases = [case for case in CASES if case.kind in POLICY]
    sent = _of_cases(mails, cases)
    right, n, undecided = mails.counts(sent)
    metric = exact_share(
        selection, "mail_policy_compliance", right, n, undecided, method="every mail counts"
    )
    parts = tuple(
        Part(
            group=case.words,
            source=Source(),
            metric=exact_share(
                selection,
                "mail_policy_compliance",
                *mails.counts(_of_cases(mails, [case])),
                method="every mail counts",
            ),
            of_items=False,
        )
        for case in cases
    )
    return MeasuredMetric(
        metric=replace(metric, parts=parts),
        witnesses=tuple(map(witness, mails.wrong(sent))),
        barred=barred(selection),
        conditions=unknown_mails(selection),
    )


def mail_false_positives(selection: Selection) -> MeasuredMetric:
    """Compute the share of legitimate mail that did not arrive, or was marked as spam."""
    mails = Mails(selection)
    ham = mails.of("ham")
    held = (None if right is None else not right for right in mails.answers(ham))
    metric = rate(selection, "mail_false_positives", held, is_least=False)
    conditions = tuple(
        Condition(
            name=f"{words} legitimate mail arrived",
            held=any(one.state == "arrived" for one in mails.of("ham", direction=way)) or None,
        )
        for way, words in DIRECTIONS.items()
    )
    return MeasuredMetric(
        metric=metric,
        witnesses=tuple(map(witness, mails.wrong(ham))),
        barred=barred(selection),
        conditions=conditions,
    )


def _counted(selection: Selection, mails: Mails, cases: Iterable[MailCase]) -> MeasuredMetric:
    """Count the unwanted mails of some cases that arrived; each case must have been tried."""
    parts, passed, decided, unknown = [], 0, 0, 0
    wrong: list[SentMail] = []
    for case in cases:
        own = _of_cases(mails, [case])
        right, n, undecided = mails.counts(own)
        parts.append(part(selection, case.words, n - right, n, undecided))
        passed, decided, unknown = passed + n - right, decided + n, unknown + undecided
        wrong += mails.wrong(own)
    metric = census(
        selection,
        selection.measure.metric,
        passed,
        decided,
        unknown,
        method="every mail counts",
        parts=tuple(parts),
    )
    return MeasuredMetric(
        metric=metric,
        witnesses=tuple(map(witness, wrong)),
        barred=barred(selection),
        conditions=unknown_mails(selection),
    )


def _of_cases(mails: Mails, cases: Iterable[MailCase]) -> list[SentMail]:
    names = {case.name for case in cases}
    return [one for one in mails.all if one.case in names]


def _share(
    selection: Selection,
    words: str,
    mails: Mails,
    own: Iterable[SentMail],
    *,
    is_basis: bool = True,
) -> Part:
    metric = rate(selection, "spam_score", mails.answers(own))
    return Part(group=words, source=Source(), metric=metric, is_basis=is_basis, of_items=False)


def _share_of(trials: TrialShare) -> float | None:
    return trials.k / trials.n if trials.n else None


def _rest(share: float | None) -> float | None:
    return None if share is None else 1 - share


def _less(share: float | None, others: float | None) -> float | None:
    return None if share is None or others is None else share - WEIGHT * others
