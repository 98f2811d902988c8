"""Step ``tls``: the page arrives whatever the ClientHello says, and however it is cut."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from harness.model.campaign import Limits
from harness.ports.network import Origin
from probes.lines.direct import Control, ControlOptions
from probes.lines.simulated import Simulated, SimulatedOptions
from probes.net.client_hello import hello_body, read_hello
from probes.range.authority import Authority
from probes.range.testbed import RangeTestbed
from probes.techniques.steps import read_statement
from test_suites.kit.campaigns.techniques import obstacle_of
from test_suites.unit.probes.techniques.over_tls.conftest import HOST, Try, facts_of, tried

REQUEST = r" | http1 GET / HTTP/1.1\r\nHost: {host}\r\n{marks}\r\n"
HAS_LARGE = ssl.OPENSSL_VERSION_INFO >= (3, 5)


@pytest.mark.parametrize(
    ("options", "subject", "trusted"),
    [
        ("", HOST, True),
        ("verify=no", HOST, None),
        ("sni=none", "accredit.test", None),
        ("sni={allowed}", "open.ways.accredit.test", None),
        ("sni={host:upper}", HOST, None),
        ("sni={host}.", HOST, None),
        ("sni=**{host}*", "accredit.test", None),
        ("sni={random}.{host}", None, None),
        ("sni={label}.accredit.example", "accredit.test", None),
        ("records=1", HOST, True),
        ("records=sni", HOST, True),
        ("cut=sni", HOST, True),
        ("cut=1,-1,half,random", HOST, True),
        ("late=yes", HOST, True),
        ("order=disorder", HOST, True),
        ("hello=small", HOST, True),
        ("max=1.2", HOST, True),
        ("min=1.2 max=1.2 alpn=none", HOST, True),
        ("max=1.1", HOST, True),
        ("min=1.0 max=1.0", HOST, True),
        ("min=1.3", HOST, True),
        ("max=1.2 ciphers=ECDHE-ECDSA-AES128-SHA", HOST, True),
        ("max=1.2 ciphers=ECDHE-ECDSA-AES256-CCM8:ECDHE-ECDSA-AES256-CCM", HOST, True),
        ("certificate={allowed}", HOST, True),
    ],
)
async def test_the_page_arrives_over_the_control(
    attempt: Try, options: str, subject: str | None, trusted: bool | None
) -> None:
    result = await attempt(f"tls {options}{REQUEST}")
    facts = facts_of(result)

    assert (None, "seen", 200) == (result.failure, facts.canary, facts.status)
    assert facts.certificate is not None
    assert trusted is facts.certificate.trusted
    assert subject is None or f"CN={subject}" == facts.certificate.subject
    assert ["tls", "http1"] == [each.step for each in facts.sent]
    assert f"{HOST}:443" == facts.sent[0].to


@pytest.mark.skipif(not HAS_LARGE, reason="OpenSSL has no ML-KEM before 3.5")
@pytest.mark.parametrize("options", ["", "cut=every", "late=yes", "records=64 cut=half"])
async def test_a_large_hello_needs_two_segments(attempt: Try, options: str) -> None:
    facts = facts_of(await attempt(f"tls hello=large {options}{REQUEST}"))

    assert "seen" == facts.canary
    assert facts.sent[0].size > 1460


async def test_a_small_hello_needs_one_segment(attempt: Try) -> None:
    facts = facts_of(await attempt(f"tls hello=small{REQUEST}"))
    assert facts.sent[0].size < 700


async def test_a_large_hello_is_not_tried_where_openssl_has_none(
    attempt: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("probes.techniques.tls_step.SEGMENT_BYTES", 1 << 20)
    result = await attempt(f"tls hello=large{REQUEST}")

    assert "offers no X25519MLKEM768" in obstacle_of(result)


@pytest.mark.parametrize("sni", ["127.0.0.1", "b\u00fccher.example"])
async def test_names_that_openssl_does_not_send_are_not_tried(attempt: Try, sni: str) -> None:
    result = await attempt(f"tls sni={sni}{REQUEST}")
    assert "step 'tls13' does" in obstacle_of(result)


@pytest.mark.parametrize("ciphers", ["PSK-AES128-CBC-SHA", "NOTHING"])
async def test_a_hello_that_cannot_be_made_is_not_tried(attempt: Try, ciphers: str) -> None:
    result = await attempt(f"tls max=1.2 ciphers={ciphers}{REQUEST}")
    assert obstacle_of(result)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("sni", "no option"),
        ("min=1.4", "unknown value '1.4' of 'min'"),
        ("min=1.3 max=1.2", "above the highest"),
        ("hello=huge", "unknown value 'huge' of 'hello'"),
        ("verify=perhaps", "neither 'yes' nor 'no'"),
        ("late=later", "neither 'yes' nor 'no'"),
        ("order=any", "unknown order 'any'"),
        ("cut=middle", "no place to cut at"),
        ("records=-4", "records of -4 bytes"),
        ("sni={hostt}", "unknown placeholder"),
    ],
)
def test_a_wrong_option_is_told(options: str, reason: str) -> None:
    with pytest.raises(ValueError, match=f"step 'tls': .*{reason}"):
        read_statement(f"tls {options}")


async def test_tls_works_through_a_proxy_but_segments_cannot_be_reordered_there(
    attempt: Try,
) -> None:
    assert (
        "seen" == facts_of(await attempt(f"tls sni={{allowed}} cut=sni{REQUEST}", "proxy")).canary
    )
    result = await attempt(f"tls order=disorder{REQUEST}", "proxy")

    assert "gives no socket to the far end" in obstacle_of(result)


async def test_tls_inside_of_tls(attempt: Try) -> None:
    """The second handshake is in the first connection, so the origin takes it for a request."""
    result = await attempt(f"tls | tls{REQUEST}")

    assert result.failure is not None
    assert "tls" == result.failure.stage


@pytest.fixture
def supplied(world: RangeTestbed, tmp_path: Path) -> tuple[Origin, Path]:
    """The range's origin without its authority, which is in a file of the supplier."""
    supplier = Path(world.origin.authority)
    other = tmp_path / "other.pem"
    other.write_bytes(Authority("Other").pem)
    return replace(world.origin, authority=str(other)), supplier


@pytest.mark.parametrize("is_trusted", [True, False])
async def test_an_authority_of_the_supplier_is_trusted_as_on_a_managed_device(
    world: RangeTestbed, supplied: tuple[Origin, Path], is_trusted: bool
) -> None:
    origin, supplier = supplied
    options = ControlOptions(authority=str(supplier) if is_trusted else "")
    async with Control("c", options, origin, Limits()) as line:
        result = await tried(f"tls{REQUEST}", line, world)

    if is_trusted:
        assert "seen" == facts_of(result).canary
    else:
        assert result.failure is not None
        assert ("ssl_unknown_authority", "tls") == (result.failure.name, result.failure.stage)


async def test_a_line_without_streams_tries_nothing(world: RangeTestbed) -> None:
    line = Simulated("s", SimulatedOptions(), world.origin, Limits())
    result = await tried(f"tls{REQUEST}", line, world)
    assert "opens no byte streams" in obstacle_of(result)


async def test_what_was_sent_is_noted_with_its_records(
    attempt: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted: list[bytes] = []
    monkeypatch.setattr(
        "probes.techniques.run.TechniqueRun.note", lambda *told: noted.append(told[-1])
    )
    await attempt(f"tls sni={{allowed}} records=100{REQUEST}")

    assert (b"open.ways.accredit.test",) == read_hello(hello_body(noted[0])).server_names
    assert b"\x16\3\1\0\x64" == noted[0][:5]
