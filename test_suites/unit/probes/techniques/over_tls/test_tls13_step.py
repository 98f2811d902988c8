"""Steps ``tls13`` and ``ech``: the page arrives by ClientHellos that no library writes."""

from __future__ import annotations

import pytest

from probes.net.client_hello import hello_body, read_hello
from probes.net.key_shares import HAS_MLKEM
from probes.range.faults import Fault, FaultKind
from probes.range.testbed import RangeTestbed
from probes.techniques.steps import read_statement
from test_suites.kit.campaigns.techniques import obstacle_of
from test_suites.unit.probes.techniques.over_tls.conftest import HOST, Try, facts_of

REQUEST = r" | http1 GET / HTTP/1.1\r\nHost: {host}\r\n{marks}\r\n"
needs_mlkem = pytest.mark.skipif(not HAS_MLKEM, reason="this cryptography has no ML-KEM")


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The ClientHellos that are sent, as they are noted."""
    found: list[bytes] = []

    def note(_: object, step: str, __: str, data: bytes | str) -> None:
        if step == "tls13" and isinstance(data, bytes):
            found.append(data)

    monkeypatch.setattr("probes.techniques.run.TechniqueRun.note", note)
    return found


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ("", (HOST,)),
        ("sni=none", ()),
        ("sni={allowed}", ("open.ways.accredit.test",)),
        ("sni=**{host}*", (f"**{HOST}*",)),
        ("sni={host:upper}", (HOST.upper(),)),
        ("sni={host}.", (f"{HOST}.",)),
        ("extensions=51,43,13,10,0,23,35", (HOST,)),
        ("ciphers=4867,0x1301 alpn=none", (HOST,)),
        ("least=4000 records=700 cut=sni", (HOST,)),
        pytest.param("hello=large cut=every", (HOST,), marks=needs_mlkem),
    ],
)
async def test_the_page_arrives_by_any_name(
    attempt: Try, noted: list[bytes], options: str, names: tuple[str, ...]
) -> None:
    result = await attempt(f"tls13 {options}{REQUEST}")
    facts = facts_of(result)

    assert (None, "seen") == (result.failure, facts.canary)
    assert facts.certificate is not None
    assert facts.certificate.trusted is None
    hello = read_hello(hello_body(noted[0]))
    assert tuple(each.encode() for each in names) == hello.server_names


async def test_several_names_are_sent_and_refused_by_openssl(attempt: Try) -> None:
    result = await attempt(f"tls13 sni={{allowed}},{{host}}{REQUEST}")

    assert result.failure is not None
    assert ("tls_alert", "tls") == (result.failure.name, result.failure.stage)


@needs_mlkem
async def test_a_large_hello_needs_two_segments(attempt: Try) -> None:
    facts = facts_of(await attempt(f"tls13 hello=large{REQUEST}"))
    assert facts.sent[0].size > 1460


@pytest.mark.parametrize(
    ("options", "is_hidden"),
    [
        ("config=grease", False),
        ("config=known", True),
        ("config=record", True),
        ("", True),
        ("config=known records=40 cut=half", True),
        pytest.param("config=known hello=large", True, marks=needs_mlkem),
    ],
)
async def test_the_page_arrives_with_an_encrypted_name(
    attempt: Try, noted: list[bytes], options: str, is_hidden: bool
) -> None:
    result = await attempt(f"ech {options}{REQUEST}")
    facts = facts_of(result)
    hello = hello_body(noted[0])

    assert (None, "seen") == (result.failure, facts.canary)
    assert is_hidden is (HOST.encode() not in hello)
    assert is_hidden is (b"open.ways.accredit.test" in hello)
    assert facts.certificate is not None
    assert f"CN={HOST}" == facts.certificate.subject


async def test_a_resolver_that_answers_is_asked_for_the_keys(attempt: Try) -> None:
    facts = facts_of(await attempt(f"ech config=record{REQUEST}", "resolver"))

    assert "seen" == facts.canary
    assert ("ech", f"HTTPS {HOST}") == (facts.sent[0].step, facts.sent[0].data)


async def test_a_resolver_that_keeps_the_record_back_stops_the_technique(
    world: RangeTestbed, attempt: Try
) -> None:
    world.faults.add(Fault(kind=FaultKind.NO_HTTPS, hosts=frozenset({HOST}), service="resolver"))
    result = await attempt(f"ech config=record{REQUEST}", "resolver")

    assert result.failure is not None
    assert ("dns_no_answer", "resolve") == (result.failure.name, result.failure.stage)
    assert "there is no HTTPS record" == result.failure.detail
    assert "absent" == facts_of(result).canary


async def test_a_name_that_does_not_exist_is_said_as_such(
    world: RangeTestbed, attempt: Try
) -> None:
    world.faults.add(Fault(kind=FaultKind.GONE, hosts=frozenset({HOST}), service="names"))
    result = await attempt(f"ech config=record{REQUEST}")

    assert result.failure is not None
    assert ("dns_nxdomain_error", "resolve") == (result.failure.name, result.failure.stage)


async def test_a_record_without_keys_stops_the_technique(
    attempt: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probes.range.ech_server.OriginEch.config_list", lambda *_: b"")
    result = await attempt(f"ech config=record{REQUEST}")

    assert result.failure is not None
    assert "the HTTPS record has no keys for ECH" == result.failure.detail


async def test_keys_that_cannot_be_read_are_none(
    attempt: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probes.range.ech_server.OriginEch.config_list", lambda *_: b"\0\7nothing")
    result = await attempt(f"ech config=record{REQUEST}")

    assert result.failure is not None
    assert "dns_no_answer" == result.failure.name


async def test_a_proxy_line_answers_no_questions_but_carries_known_keys(attempt: Try) -> None:
    assert "seen" == facts_of(await attempt(f"ech config=known{REQUEST}", "proxy")).canary
    result = await attempt(f"ech config=record{REQUEST}", "proxy")

    assert "carries no DNS" in obstacle_of(result)


async def test_an_origin_that_does_not_open_it_stops_the_technique(
    attempt: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probes.range.ech_server.OriginEch.inner_hello", lambda *_: None)
    result = await attempt(f"ech config=known{REQUEST}")

    assert result.failure is not None
    assert ("ssl_failed_handshake", "tls") == (result.failure.name, result.failure.stage)
    assert "ech_required" in result.failure.detail


async def test_a_version_of_cryptography_without_ml_kem_tries_nothing(
    attempt: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probes.techniques.tls13_step.HAS_MLKEM", False)
    result = await attempt(f"tls13 hello=large{REQUEST}")
    assert "no ML-KEM" in obstacle_of(result)


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("tls13 hello=huge", "unknown value 'huge' of 'hello'"),
        ("tls13 extensions=70000", "does not fit in two bytes"),
        ("tls13 ciphers=AES", "invalid literal"),
        ("tls13 least=much", "invalid literal"),
        ("tls13 verify=no", "no option"),
        ("ech config=any", "unknown config 'any'"),
        ("ech sni={allowed}", "no option"),
        ("ech cut=there", "no place to cut at"),
    ],
)
def test_a_wrong_option_is_told(statement: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_statement(statement)
