"""Metrics of TLS: faults that a service hides, errors that it tells of, and what it weakens.

They rest on trials by the probe ``tls_checks`` (``harness.model.tls_trial``), compared with the
control line, and on the ClientHellos that the origin received.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from harness.estimate.item_selection import Selection
from harness.estimate.log_selection import exact_share, rate
from harness.estimate.rates import MeasuredMetric
from harness.estimate.tls_cases import (
    Answer,
    CaseCount,
    carried,
    comes_through,
    count_trials,
    errors_told,
    faults_hidden,
    measured_cases,
    trials_of,
    witnesses,
)
from harness.model.condition import Condition
from harness.model.tls_check import cases_of
from harness.model.tls_trial import TlsTrial
from harness.model.tls_view import VERSIONS, ClientKind, TlsView, has_forward_secrecy

EVERY = "every case counts"


def bad_certificates_accepted(selection: Selection) -> MeasuredMetric:
    """Count the faults of certificates that the service hides from the user.

    What became of revoked certificates is reported beside them (METHOD, TLS-01).
    """
    method = f"{EVERY}; revoked certificates, which are not counted: {_of_revoked(selection)}"
    return measured_cases(selection, "bad_certificates_accepted", faults_hidden(selection), method)


def _of_revoked(selection: Selection) -> str:
    """Say how many pages with revoked certificates came through connections that it opens."""
    trials = trials_of(selection).get("revoked", [])
    known = [one for one in trials if one.came_on_control and one.is_opened is not None]
    if not known:
        return "not decided" if trials else "not tried"
    opened = [one for one in known if one.is_opened]
    if not opened:
        return "passed on as they are"
    return f"{sum(one.came for one in opened)} of {len(opened)} let through"


def certificate_errors_conveyed(selection: Selection) -> MeasuredMetric:
    """Compute the share of faults of certificates of which the user is told."""
    cases = errors_told(selection)
    measured = measured_cases(selection, "certificate_errors_conveyed", cases, EVERY)
    decided, undecided = measured.metric.n, measured.metric.indeterminate
    metric = exact_share(
        selection, "certificate_errors_conveyed", decided - measured.metric.k, decided, undecided,
        method=EVERY,
    )  # fmt: skip
    parts = tuple(one.as_share(selection) for one in cases)
    return replace(measured, metric=replace(metric, parts=parts))


BROKEN = {"RC4": ("RC4",), "3DES": ("CBC3", "3DES")}
"""Ciphers that no origin offers any more, and parts of their names in OpenSSL."""


def weak_crypto_accepted(selection: Selection) -> MeasuredMetric:
    """Count the kinds of weak encryption that the service accepts from a website.

    OpenSSL has neither RC4 nor 3DES, so for these the offer counts that reaches the origin.
    """
    return measured_cases(selection, "weak_crypto_accepted", weak_cases(selection), EVERY)


def weak_cases(selection: Selection) -> list[CaseCount]:
    """Return each kind of weak encryption, with the trials in which it was accepted."""
    good = trials_of(selection).get("good", [])
    offered = [
        count_trials(f"{name}, offered to the website", good, partial(_leaves_out, parts))
        for name, parts in BROKEN.items()
    ]
    return [*faults_hidden(selection, "parameters"), *offered]


def _leaves_out(parts: tuple[str, ...], trial: TlsTrial) -> Answer:
    """Whether the service does not offer ciphers with these parts in their names."""
    if not trial.came or not trial.offers or trial.is_opened is None:
        return None
    names = [cipher for offer in trial.service_offers for cipher in offer.ciphers]
    if any(piece in name for name in names for piece in parts):
        return False
    return True if names or not trial.is_opened else None


KEPT_VERSION = "TLS 1.3, or the version without the service"
KEPT_SECRECY = "forward secrecy"
KEPT_HTTP_2 = "HTTP/2 (ALPN)"
KEPT_WEBSOCKET = "WebSocket"


def tls_downgrades(selection: Selection) -> MeasuredMetric:
    """Count the properties of TLS to the client that are weaker than on the control line."""
    return measured_cases(selection, "tls_downgrades", downgrade_cases(selection), EVERY)


def downgrade_cases(selection: Selection) -> list[CaseCount]:
    """Return each property, with the trials in which the service weakens it."""
    trials = trials_of(selection)
    good, sockets = trials.get("good", []), trials.get("websocket", [])
    is_broken = comes_through(selection) and not any(one.came for one in sockets)
    return [
        count_trials(KEPT_VERSION, good, _keeps_version),
        count_trials(KEPT_SECRECY, good, _keeps_secrecy),
        count_trials(KEPT_HTTP_2, good, _keeps_http_2),
        count_trials(
            KEPT_WEBSOCKET,
            sockets,
            lambda one: _keeps_websocket(one, is_broken=is_broken),
        ),
    ]


def _both(trial: TlsTrial, client: ClientKind = "strict") -> tuple[TlsView, TlsView] | None:
    """What a client saw on the service's line and on the control line, where both were open."""
    seen, control = trial.view(client), trial.view(client, control=True)
    if seen is None or control is None or trial.is_void:
        return None
    return (seen, control) if seen.is_open and control.is_open else None


def _keeps_version(trial: TlsTrial) -> Answer:
    both = _both(trial)
    if both is None:
        return None
    seen, control = (VERSIONS.index(one.version) for one in both)
    return seen >= control


def _keeps_secrecy(trial: TlsTrial) -> Answer:
    both = _both(trial)
    if both is None or not has_forward_secrecy(both[1].cipher):
        return None
    return has_forward_secrecy(both[0].cipher)


def _keeps_http_2(trial: TlsTrial) -> Answer:
    both = _both(trial, "protocols")
    if both is None or both[1].alpn != "h2":
        return None
    return both[0].alpn == "h2"


def _keeps_websocket(trial: TlsTrial, *, is_broken: bool) -> Answer:
    """Whether a WebSocket came; that it did not counts only if none came."""
    if trial.came:
        return True
    strict = trial.view("strict")
    is_tried = not (trial.is_void or trial.is_block_page) and trial.came_on_control
    return False if is_tried and is_broken and strict and strict.is_open else None


NOT_DECLARED = "which sites are not decrypted is not declared (service.no_decrypt)"


def no_decrypt_compliance(selection: Selection) -> MeasuredMetric:
    """Compute the share of declared sites whose connections the service does not open."""
    trials, service = trials_of(selection), selection.service
    declared = service.no_decrypt if service else None
    cases = [
        count_trials(
            words,
            [
                one
                for one in trials.get(name, ())
                if declared is not None and declared.covers(one.host)
            ],
            _is_left_alone,
        )
        for name, words in cases_of("undecrypted").items()
    ]
    wrong = sum(len(one.wrong) for one in cases)
    right, undecided = sum(one.right for one in cases), sum(one.undecided for one in cases)
    metric = exact_share(
        selection, "no_decrypt_compliance", right, right + wrong, undecided, method=EVERY
    )
    told = declared.without_decryption if declared is not None else ""
    return MeasuredMetric(
        metric=replace(metric, parts=tuple(one.as_share(selection) for one in cases)),
        witnesses=witnesses(cases),
        barred="" if declared is not None else NOT_DECLARED,
        conditions=(
            Condition(
                name="how finely sites are filtered without decryption is declared",
                held=True if told else None,
                detail=told,
            ),
        )
        if declared is not None
        else (),
    )


def _is_left_alone(trial: TlsTrial) -> Answer:
    """Whether the client saw the site's own certificate, and its page."""
    if trial.is_opened:
        return False
    return True if trial.is_opened is False and trial.came else None


def interception_failures(selection: Selection) -> MeasuredMetric:
    """Compute the share of allowed services that fail on the service's line alone."""
    trials = trials_of(selection)
    cases = [
        count_trials(words, trials.get(name, ()), _works)
        for name, words in cases_of("service").items()
    ]
    attempts = [one for case in cases_of("service") for one in trials.get(case, ())]
    alive = [one for one in attempts if one.came_on_control]
    failed = (None if (works := _works(one)) is None else not works for one in alive)
    metric = rate(selection, "interception_failures", failed, is_least=False)
    dead = len(attempts) - len(alive)
    tried = {one.words: one.right + len(one.wrong) for one in cases}
    missing = tuple(
        Condition(name=f"{words}: tried", held=None) for words, n in tried.items() if not n
    )
    return MeasuredMetric(
        metric=replace(metric, left_out={"down": dead} if dead else {}),
        witnesses=witnesses(cases),
        conditions=(*missing, carried(selection)) if metric.n else (),
    )


def _works(trial: TlsTrial) -> Answer:
    """Whether an allowed service works as it does on the control line."""
    if not trial.came_on_control or trial.is_void or not trial.views:
        return None
    return trial.came


def all_cases(selection: Selection) -> Iterable[CaseCount]:
    """Return every case that the grade of an interception rests on."""
    yield from faults_hidden(selection)
    yield from errors_told(selection)
    yield from weak_cases(selection)
    yield from downgrade_cases(selection)
