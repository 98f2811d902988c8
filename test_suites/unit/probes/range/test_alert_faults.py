"""Each fault of the reference filter's alerts changes them as it says, and no answer."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace

import httpx
import pytest

from harness.errors import UsageError
from probes.range.alert_delivery import AlertSettings
from probes.range.faults import ALERT_KINDS, SHARE_KINDS, WORD_KINDS, Fault, FaultKind
from probes.range.testbed import RangeTestbed, running
from test_suites.kit.networks.alert_receiving import WAIT, Inbox, Seen, receiving

PASSED, BLOCKED = "page-1.sites.accredit.test", "gamb-001.canary.accredit.test"
NONCE = "0123456789abcdef" * 2
PUPILS, STAFF, OPERATOR = "dsl@school.test", "head@school.test", "operator@isp.test"
OTHER = "nobody@elsewhere.test"


def marker(category: str, number: int) -> str:
    return f"ACCREDIT-MARKER-{category}-ab{number:02}"


REQUESTS: tuple[tuple[str, str, str, dict[str, str], bytes], ...] = (
    ("ks2", "GET", f"http://{PASSED}/search?q=sad+{marker('HARM', 1)}", {}, b""),
    ("staff", "GET", f"http://{PASSED}/search?q={marker('HARM.SELF', 2)}", {}, b""),
    ("ks2", "GET", f"http://{BLOCKED}/search?q=traurig+{marker('ILL', 3)}", {}, b""),
    ("ks2", "GET", f"http://{PASSED}/search?q={marker('DRUG', 4)}&v={NONCE}", {}, b""),
    ("ks2", "POST", f"http://{PASSED}/form", {"User-Agent": "Tablet/1"},
     f"a=b&text={marker('EXTR', 5).replace('-', '%2D')}".encode()),
    ("ks2", "GET", f"https://{PASSED}/search?q={marker('HARM', 6)}", {"Cookie": f"a={NONCE}"}, b""),
    ("ks2", "GET", f"http://{PASSED}/search?q=red+shoes", {}, b""),
    ("ks2", "GET", f"http://{PASSED}/ACCREDIT-MARKER-HARM-path", {}, b""),
)  # fmt: skip
"""The profile, the method, the address, the headers and the body; the last two are benign."""

Expected = Callable[[list[Seen]], list[Seen]]


@pytest.fixture(scope="module")
def inbox() -> Iterator[Inbox]:
    with receiving() as inbox:
        yield inbox


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory, inbox: Inbox) -> Iterator[RangeTestbed]:
    settings = AlertSettings(
        alert_mail=inbox.mail,
        recipients={"ks2": PUPILS, "staff": STAFF},
        operator=OPERATOR,
        escalate_to=OTHER,
        escalate_after=3600,
        notices_after=7200,
    )
    folder, profiles = tmp_path_factory.mktemp("range"), ("ks2", "staff")
    with running(folder, profiles=profiles, alerts=settings, opens_tls=True) as world:
        yield world


@pytest.fixture
def world(standing: RangeTestbed, inbox: Inbox) -> RangeTestbed:
    standing.faults.clear()
    inbox.alerts.clear()
    return standing


def send_all(world: RangeTestbed) -> list[tuple[int, int]]:
    """Send the requests; return what was answered: statuses and lengths."""
    proxies = world.origin.services["reference"]["proxy"]
    trust = ssl.create_default_context(cafile=world.origin.authority)
    answered = []
    for profile, method, url, headers, body in REQUESTS:
        with httpx.Client(
            proxy=proxies[profile], verify=trust, trust_env=False, timeout=WAIT
        ) as client:
            answer = client.request(method, url, headers=headers, content=body or None)
            answered.append((answer.status_code, len(answer.content)))
    return answered


def alerted(
    world: RangeTestbed, inbox: Inbox, *faults: Fault
) -> tuple[list[Seen], list[tuple[int, int]]]:
    """Return the alerts of the requests while faults are on, sorted, and what was answered."""
    for fault in faults:
        world.faults.add(fault)
    answered = send_all(world)
    assert world.alert_sender is not None
    assert world.alert_sender.wait(WAIT)
    world.faults.clear()
    seen = sorted(map(Seen.of_mail, inbox.alerts))
    inbox.alerts.clear()
    return seen, answered


def without(*texts: str) -> Expected:
    """The alerts without those whose address ends so."""
    return lambda seen: [each for each in seen if not each.url.endswith(texts)]


def each(change: Callable[[Seen], Seen]) -> Expected:
    return lambda seen: sorted(change(alert) for alert in seen)


def with_false_alert(seen: list[Seen]) -> list[Seen]:
    about = Seen(
        to=PUPILS,
        category="HARM",
        user="ks2 (profile ks2)",
        url=REQUESTS[6][2],
        priority="urgent",
        subject="Safeguarding alert N: HARM",
    )
    return sorted([*seen, about])


FAULTS: dict[FaultKind, tuple[Fault, Expected]] = {
    FaultKind.ALERT_NO_CATEGORIES: (
        Fault(kind=FaultKind.ALERT_NO_CATEGORIES, categories=("HARM", "DRUG")),
        without("HARM-ab01", "HARM.SELF-ab02", f"{marker('DRUG', 4)}&v={NONCE}", "HARM-ab06"),
    ),
    FaultKind.ALERT_NO_WORDS: (
        Fault(kind=FaultKind.ALERT_NO_WORDS, words=("Traurig", "triste")),
        without("ILL-ab03"),
    ),
    FaultKind.ALERT_NO_DEVICES: (
        Fault(kind=FaultKind.ALERT_NO_DEVICES, words=("tablet",)),
        without("/form"),
    ),
    FaultKind.ALERT_DROPPED: (
        Fault(kind=FaultKind.ALERT_DROPPED, share=1),
        lambda _: [],
    ),
    FaultKind.ALERT_ONLY_MARKED: (
        Fault(kind=FaultKind.ALERT_ONLY_MARKED),
        without("HARM-ab01", "HARM.SELF-ab02", "ILL-ab03", "/form"),
    ),
    FaultKind.ALERT_BENIGN: (Fault(kind=FaultKind.ALERT_BENIGN, share=1), with_false_alert),
    FaultKind.ALERT_WRONG_RECIPIENT: (
        Fault(kind=FaultKind.ALERT_WRONG_RECIPIENT, recipient=OTHER),
        each(lambda alert: replace(alert, to=OTHER)),
    ),
    FaultKind.ALERT_NO_PRIORITY: (
        Fault(kind=FaultKind.ALERT_NO_PRIORITY),
        each(lambda alert: replace(alert, priority="")),
    ),
    FaultKind.ALERT_LATE: (Fault(kind=FaultKind.ALERT_LATE, seconds=3600), lambda _: []),
    FaultKind.ALERT_NO_ESCALATION: (Fault(kind=FaultKind.ALERT_NO_ESCALATION), lambda seen: seen),
    FaultKind.ALERT_NO_OPERATOR: (Fault(kind=FaultKind.ALERT_NO_OPERATOR), lambda seen: seen),
}


def test_each_kind_is_tested() -> None:
    assert ALERT_KINDS == set(FAULTS)


def test_without_faults_each_worrying_request_has_one_alert(
    world: RangeTestbed, inbox: Inbox
) -> None:
    seen, answered = alerted(world, inbox)

    def alert(number: int, to: str, category: str, priority: str = "urgent") -> Seen:
        profile, _, url, _, _ = REQUESTS[number]
        return Seen(
            to=to,
            category=category,
            user=f"{profile} (profile {profile})",
            url=url,
            priority=priority,  # type: ignore[arg-type]  # one of the words
            subject=f"Safeguarding alert N: {category}",
        )

    assert seen == sorted(
        [
            alert(0, PUPILS, "HARM"),
            alert(1, STAFF, "HARM.SELF"),
            alert(2, PUPILS, "ILL"),
            alert(3, PUPILS, "DRUG", "normal"),
            alert(4, PUPILS, "EXTR", "normal"),
            alert(5, PUPILS, "HARM"),
        ]
    )
    assert [200, 200, 403, 200] == [status for status, _ in answered[:4]]


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_a_fault_changes_the_alerts_and_no_answer(
    kind: FaultKind, world: RangeTestbed, inbox: Inbox
) -> None:
    right, answered = alerted(world, inbox)
    fault, expected = FAULTS[kind]
    wrong, answered_with_fault = alerted(world, inbox, fault)

    assert 6 == len(right)
    assert expected(right) == wrong
    assert answered == answered_with_fault


def test_a_fault_may_be_for_one_profile_host_or_service(world: RangeTestbed, inbox: Inbox) -> None:
    right, _ = alerted(world, inbox)
    for fault, left in (
        (Fault(kind=FaultKind.ALERT_DROPPED, share=1, profiles=frozenset({"staff"})), "SELF-ab02"),
        (Fault(kind=FaultKind.ALERT_DROPPED, share=1, hosts=frozenset({BLOCKED})), "ILL-ab03"),
        (Fault(kind=FaultKind.ALERT_DROPPED, share=1, service="gateway"), "none"),
    ):
        assert without(left)(right) == alerted(world, inbox, fault)[0]


def test_several_faults_apply_together(world: RangeTestbed, inbox: Inbox) -> None:
    faults = [
        Fault(kind=FaultKind.ALERT_BENIGN, share=1),
        Fault(kind=FaultKind.ALERT_NO_WORDS, words=("shoes",)),
        Fault(kind=FaultKind.ALERT_NO_PRIORITY),
        Fault(kind=FaultKind.ALERT_WRONG_RECIPIENT, recipient=OTHER),
    ]
    seen, _ = alerted(world, inbox, *faults)

    assert 6 == len(seen)
    assert {("", OTHER)} == {(alert.priority, alert.to) for alert in seen}


def test_other_faults_change_no_alert(world: RangeTestbed, inbox: Inbox) -> None:
    right, _ = alerted(world, inbox)
    kinds = (FaultKind.LOG_DROPPED, FaultKind.LOG_NO_USER, FaultKind.PAGE_451)

    assert right == alerted(world, inbox, *(Fault(kind=kind, share=1) for kind in kinds))[0]


def test_a_filter_that_is_off_opens_no_tls_and_sees_the_rest(
    world: RangeTestbed, inbox: Inbox
) -> None:
    right, _ = alerted(world, inbox)

    assert without("HARM-ab06")(right) == alerted(world, inbox, Fault(kind=FaultKind.OFF))[0]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *((kind, {"share": 0.0}) for kind in sorted(SHARE_KINDS & ALERT_KINDS)),
        *((kind, {"words": words}) for kind in sorted(WORD_KINDS) for words in ((), ("",))),
        (FaultKind.ALERT_NO_CATEGORIES, {"categories": ()}),
        *((FaultKind.ALERT_LATE, {"seconds": each}) for each in (0.0, -1.0, float("nan"))),
    ],
)
def test_a_fault_without_effect_is_refused(kind: FaultKind, options: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=str(kind)):
        Fault(kind=kind, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "recipient", ["", "a", "a@", "@b", "a@b@c", "a b@c", "a@b\nBcc: x@y", "ä@b"]
)
def test_a_recipient_is_a_mail_address(recipient: str) -> None:
    with pytest.raises(UsageError, match="is no mail address"):
        Fault(kind=FaultKind.ALERT_WRONG_RECIPIENT, recipient=recipient)
