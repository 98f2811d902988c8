"""TLS-01 to TLS-08 from trials made by hand: what each single trial changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from msgspec import structs

from harness.estimate.item_selection import Selection
from harness.model.campaign import Campaign
from harness.model.outcome import Conformity, Outcome
from harness.model.service_records import ServiceRecords
from harness.model.tls_check import CASES
from harness.model.tls_trial import ServiceTls, TlsTrial
from harness.model.tls_view import TlsOffer, TlsView
from harness.schemes.load import find_row
from test_suites.kit.campaigns.memory_fold import MemoryFold
from test_suites.unit.harness.estimate.selected_outcome import outcome

CONFORMS, FAILS, OPEN = Conformity
REST = ("TLS-01", "TLS-02", "TLS-03", "TLS-05", "TLS-06")
SAFE = ("TLS_AES_256_GCM_SHA384", "ECDHE-RSA-AES128-GCM-SHA256")
OWN, THEIRS = TlsOffer(digest="own", ciphers=SAFE), TlsOffer(digest="theirs", ciphers=SAFE)


def opened(client: Any = "strict", leaf: str = "service", **seen: Any) -> TlsView:
    usual: dict[str, Any] = {
        "version": "TLSv1.3",
        "cipher": SAFE[0],
        "key": leaf,
        "issuer": leaf,
        "offer": OWN,
    }
    return TlsView(client=client, **usual | seen)


def came(client: Any = "strict", leaf: str = "service", **seen: Any) -> TlsView:
    return opened(client, leaf, status=200, has_token=True, **seen)


def failed(name: str) -> TlsView:
    return TlsView(client="strict", failure=name, stage="tls")


def shown(case: str) -> tuple[TlsView, ...]:
    """What the control line shows of a case."""
    behind = came("lenient", "origin")
    match CASES[case].group:
        case "certificate":
            return failed("ssl_invalid_certificate"), behind
        case "parameters":
            return failed("tls_alert"), behind
        case "good":
            return came(leaf="origin"), opened("protocols", "origin", alpn="h2")
    return (came(leaf="origin"),)


def handled(case: str) -> tuple[TlsView, ...]:
    """What a good interception makes of a case."""
    match CASES[case].group:
        case "certificate" | "parameters":
            return (opened(status=502, title="Certificate error"),)
        case "good":
            return came(), opened("protocols", alpn="h2")
        case "undecrypted":
            return (came(leaf="origin"),)
    return (came(),)


def trials(number: int = 2) -> list[TlsTrial]:
    """Trials of each case over a good interception; of services as many as are needed."""
    return [
        TlsTrial(
            item=f"TLS-{case}-{which}", host=f"{case}-{which}.tls.accredit.test", case=case,
            line="line", profile="pupils", views=handled(case), control=shown(case),
            offers=(THEIRS,),
        )
        for case, told in CASES.items()
        for which in range(1, (43 if told.group == "service" else number) + 1)
    ]  # fmt: skip


DECLARED = {"hosts": ["tls.accredit.test"], "without_decryption": "domain names"}


def concluded(row: str, own: Iterable[TlsTrial], listed: Any = DECLARED) -> Outcome:
    service: dict[str, Any] = {"name": "s", "no_decrypt": listed}
    if listed is not None:
        service["no_decrypt"] = {**listed, "hosts": tuple(listed["hosts"])}
    campaign = Campaign.model_validate(
        {
            "campaign": "tls",
            "service": service,
            "lines": ({"name": "line", "type": "explicit_proxy"},),
            "profiles": {"pupils": {"phase": "ks2"}},
            "corpora": ({"pack": "tls-checks"},),
        }
    )
    requirement = find_row(row)
    assert requirement is not None
    selection = Selection(
        requirement=requirement, results=(), alpha=0.05, verdict_counts=MemoryFold(()),
        profile="pupils", line="line", campaign=campaign,
        records=ServiceRecords(tls=ServiceTls(trials=tuple(own))),
    )  # fmt: skip
    return outcome(selection)


def changed(case: str, change: Callable[[TlsTrial], TlsTrial], which: int = 1) -> list[TlsTrial]:
    return [
        change(one) if (one.case, one.item.rpartition("-")[2]) == (case, f"{which}") else one
        for one in trials()
    ]


def seeing(*views: TlsView) -> Callable[[TlsTrial], TlsTrial]:
    return lambda one: structs.replace(one, views=views)


@pytest.mark.parametrize("row", [*REST, "TLS-07", "TLS-08"])
def test_a_good_interception_conforms(row: str) -> None:
    assert concluded(row, trials()).conformity is CONFORMS


@pytest.mark.parametrize("row", [*REST, "TLS-07", "TLS-08"])
def test_nothing_tried_decides_nothing(row: str) -> None:
    assert concluded(row, []).conformity is OPEN


@pytest.mark.parametrize(
    "case", [name for name, one in CASES.items() if one.group == "certificate"]
)
def test_one_fault_that_is_let_through_breaks_two_rows_and_the_grade(case: str) -> None:
    own = changed(case, seeing(came()))
    assert concluded("TLS-01", own).conformity is FAILS
    assert concluded("TLS-05", own).conformity is FAILS
    grade = concluded("TLS-03", own)
    assert (grade.conformity, grade.metric.value) == (FAILS, 3 if case == "sha1" else 6)


GRADES = {"tls10": 3, "tls11": 2, "dh1024": 3, "static-rsa": 2, "null": 6}


@pytest.mark.parametrize("case", GRADES)
def test_weak_encryption_that_is_accepted_breaks_its_row_and_has_a_grade(case: str) -> None:
    own = changed(case, seeing(came()))
    assert concluded("TLS-02", own).conformity is FAILS
    assert concluded("TLS-01", own).conformity is CONFORMS
    assert concluded("TLS-03", own).metric.value == GRADES[case]


@pytest.mark.parametrize(
    "case", [name for name, one in CASES.items() if one.group == "certificate"]
)
def test_a_fault_that_was_not_tried_or_not_shown_leaves_the_rows_undecided(case: str) -> None:
    untried = [one for one in trials() if one.case != case]
    unseen = changed(case, lambda one: structs.replace(one, control=(came(leaf="origin"),)))
    for own in (untried, unseen):
        assert concluded("TLS-01", own).conformity is OPEN
        assert concluded("TLS-03", own).conformity is OPEN


def offering(*ciphers: str) -> list[TlsTrial]:
    offer = TlsOffer(digest="theirs", ciphers=(*SAFE, *ciphers))
    return changed("good", lambda one: structs.replace(one, offers=(offer,)))


@pytest.mark.parametrize(
    ("cipher", "row", "grade"),
    [
        ("ECDHE-RSA-RC4-SHA", FAILS, 3),
        ("DES-CBC3-SHA", FAILS, 3),
        ("EXP-DES-CBC-SHA", CONFORMS, 6),
        ("NULL-SHA", CONFORMS, 6),
        ("AES128-SHA", CONFORMS, 1),
    ],
)
def test_what_is_offered_to_websites_counts(cipher: str, row: Conformity, grade: int) -> None:
    own = offering(cipher)
    assert concluded("TLS-02", own).conformity is row
    assert concluded("TLS-03", own).metric.value == grade


@pytest.mark.parametrize("offers", [None, (), (OWN,)], ids=["not asked", "none", "our own"])
def test_without_the_offer_of_a_service_that_opens_connections_nothing_is_known(
    offers: tuple[TlsOffer, ...] | None,
) -> None:
    own = [structs.replace(one, offers=offers) for one in trials()]
    assert concluded("TLS-02", own).conformity is OPEN
    assert concluded("TLS-03", own).conformity is OPEN


def test_our_own_offer_at_the_origin_shows_that_nothing_was_opened() -> None:
    views = came(leaf="origin"), opened("protocols", "origin", alpn="h2")
    own = [
        structs.replace(one, offers=(OWN,), **({"views": views} if one.case == "good" else {}))
        for one in trials()
    ]
    assert concluded("TLS-02", own).conformity is CONFORMS
    assert concluded("TLS-03", own).metric.value == 1


CUT = TlsView(client="strict", failure="connection_reset", stage="tls")


def test_a_single_cut_connection_is_an_accident_and_several_are_not() -> None:
    one = changed("expired", seeing(CUT))
    all_cut = [
        structs.replace(each, views=(CUT,)) if each.case == "expired" else each for each in trials()
    ]
    assert concluded("TLS-05", one).conformity is OPEN
    assert concluded("TLS-05", all_cut).conformity is FAILS
    assert concluded("TLS-01", all_cut).conformity is CONFORMS


def test_a_service_through_which_no_good_host_comes_is_not_accused_of_cutting() -> None:
    own = [structs.replace(one, views=(CUT,)) for one in trials()]
    for row in REST:
        found = concluded(row, own)
        assert (found.conformity, found.metric.n, found.witnesses) == (OPEN, 0, ())


@pytest.mark.parametrize(
    ("views", "grade"),
    [
        ((came(version="TLSv1.2", cipher=SAFE[1]), opened("protocols", alpn="h2")), 2),
        ((came(version="TLSv1.2", cipher="AES128-SHA"), opened("protocols", alpn="h2")), 2),
        ((came(version="TLSv1.1", cipher="AES128-SHA"), opened("protocols", alpn="h2")), 3),
        ((came(), opened("protocols", alpn="http/1.1")), 1),
    ],
)
def test_what_is_weaker_to_the_client_breaks_its_row(
    views: tuple[TlsView, ...], grade: int
) -> None:
    own = changed("good", seeing(*views))
    assert concluded("TLS-06", own).conformity is FAILS
    assert concluded("TLS-03", own).metric.value == grade


def test_a_property_that_the_control_line_lacks_is_not_asked_for() -> None:
    control = came(leaf="origin"), opened("protocols", "origin", alpn="http/1.1")
    own = [structs.replace(one, control=control) if one.case == "good" else one for one in trials()]
    assert concluded("TLS-06", own).conformity is OPEN


def test_a_listed_site_that_is_opened_breaks_its_row() -> None:
    own = changed("bank", seeing(came()))
    assert concluded("TLS-07", own).conformity is FAILS


@pytest.mark.parametrize("listed", [None, {"hosts": ["other.test"], "without_decryption": "names"}])
def test_sites_that_are_not_listed_do_not_count(listed: Any) -> None:
    own = changed("bank", seeing(came()))
    assert concluded("TLS-07", own, listed).conformity is OPEN


def test_how_finely_listed_sites_are_filtered_has_to_be_declared() -> None:
    listed = {"hosts": ["tls.accredit.test"]}
    assert concluded("TLS-07", trials(), listed).conformity is OPEN


def test_services_that_fail_on_the_control_line_do_not_count() -> None:
    own = changed("ecdsa", lambda one: structs.replace(one, views=(CUT,), control=(CUT,)))
    found = concluded("TLS-08", own)
    assert (found.metric.k, found.metric.n, found.metric.left_out) == (0, 300, {"down": 1})
    assert found.conformity is CONFORMS


def test_a_single_service_that_fails_is_not_shown_to_be_within_one_in_a_hundred() -> None:
    found = concluded("TLS-08", changed("ecdsa", seeing(CUT)))
    assert (found.metric.k, found.metric.n, found.conformity) == (1, 301, OPEN)


def test_a_kind_of_service_that_was_not_tried_leaves_the_row_undecided() -> None:
    own = [one for one in trials() if one.case != "pinned"]
    assert concluded("TLS-08", own).conformity is OPEN


def test_a_batch_that_was_void_and_repeated_counts_once() -> None:
    own = changed("good", lambda one: structs.replace(one, is_void=True))
    again = [one for one in trials() if one.case == "good"]
    assert concluded("TLS-06", own).conformity is OPEN
    assert concluded("TLS-06", [*own, *again]).conformity is CONFORMS
    assert concluded("TLS-06", [*again, *own]).conformity is CONFORMS
