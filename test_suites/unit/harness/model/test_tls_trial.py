"""What became of a fault of the origin, by what the clients saw on both lines."""

from __future__ import annotations

from typing import Any

import pytest

from harness.model.service_declaration import NoDecrypt
from harness.model.tls_trial import ServiceTls, TlsTrial
from harness.model.tls_view import TlsOffer, TlsView

HOST = "expired-1.tls.accredit.test"


def view(client: Any = "strict", **seen: Any) -> TlsView:
    return TlsView(client=client, **seen)


def opened(client: Any = "strict", leaf: str = "filter", **seen: Any) -> TlsView:
    return view(client, version="TLSv1.3", key=leaf, **{"issuer": leaf, **seen})


REFUSED = view(failure="ssl_invalid_certificate", stage="tls")
BEHIND = opened("lenient", "origin", status=200, has_token=True)


def trial(*views: TlsView, **changes: Any) -> TlsTrial:
    fields: dict[str, Any] = {
        "item": "TLS-expired-01", "host": HOST, "case": "expired", "line": "line",
        "profile": "pupils", "views": views, "control": (REFUSED, BEHIND),
    }  # fmt: skip
    return TlsTrial(**fields | changes)


CUT = view(failure="connection_reset", stage="tls")
ENDS = {
    "let through": [opened(status=200, has_token=True)],
    "passed on": [REFUSED, BEHIND],
    "warned": [REFUSED, opened("lenient", status=200, has_token=True)],
    "alert": [view(failure="tls_alert", stage="tls"), view("lenient", failure="tls_alert")],
    "error page": [opened(status=502, title="Gateway")],
    "other page": [opened(status=200, title="Welcome")],
    "cut": [CUT, CUT],
    "refused": [view(failure="proxy_refused_tunnel", stage="tunnel")],
    "silent": [view(failure="timed_out", stage="tls")],
}


@pytest.mark.parametrize("end", ENDS)
def test_what_became_of_a_fault(end: str) -> None:
    assert trial(*ENDS[end]).end == end


def test_a_page_that_speaks_of_certificates_tells_of_the_error() -> None:
    assert trial(opened(status=200, text="The certificate has expired")).end == "error page"


def test_the_name_of_the_host_does_not_make_a_page_speak_of_tls() -> None:
    page = opened(status=200, text=f"{HOST} is unknown")
    assert trial(page).end == "other page"
    blocked = opened(status=403, text=f"{HOST} is blocked")
    assert trial(blocked, is_block_page=True).end == "block page"


def test_a_block_page_of_the_site_is_no_judgement_of_its_certificate() -> None:
    assert trial(opened(status=403, title="Blocked"), is_block_page=True).end == "block page"


@pytest.mark.parametrize(
    "control",
    [(), (opened(leaf="origin", has_token=True),), (REFUSED,), (CUT, BEHIND)],
    ids=["none", "no fault", "no page", "another failure"],
)
def test_without_the_fault_on_the_control_line_nothing_is_shown(
    control: tuple[TlsView, ...],
) -> None:
    assert trial(opened(status=200, has_token=True), control=control).end == "not shown"


def test_parameters_have_to_fail_before_the_certificate() -> None:
    shown = (view(failure="tls_alert", stage="tls"), BEHIND)
    views = [opened(status=200, has_token=True)]
    assert trial(*views, case="tls10", control=shown).end == "let through"
    assert trial(*views, case="tls10").end == "not shown"


def test_a_void_batch_shows_nothing() -> None:
    found = trial(opened(has_token=True), is_void=True)
    assert (found.end, found.came, found.is_opened) == ("void", False, None)


def test_a_connection_is_opened_if_another_certificate_is_shown() -> None:
    assert trial(opened()).is_opened is True
    assert trial(REFUSED, BEHIND).is_opened is False
    assert trial(CUT).is_opened is None
    assert trial(opened(issuer="origin")).is_opened is None


def test_the_offers_of_the_service_are_those_of_no_own_client() -> None:
    own, other = TlsOffer(digest="own"), TlsOffer(digest="other")
    found = trial(opened(offer=own), offers=(own, other))
    assert found.service_offers == (other,)
    assert trial(opened(offer=own)).service_offers == ()


def test_trials_are_selected_by_line_and_profile() -> None:
    both = ServiceTls(trials=(trial(), trial(line="other")))
    assert [one.line for one in both.of("line", "pupils").trials] == ["line"]


@pytest.mark.parametrize(
    ("host", "expected"),
    [("bank.example", True), ("WWW.bank.example.", True), ("mybank.example", False)],
)
def test_a_declared_site_covers_all_names_below_it(host: str, expected: bool) -> None:
    assert NoDecrypt(hosts=("Bank.example",)).covers(host) is expected
