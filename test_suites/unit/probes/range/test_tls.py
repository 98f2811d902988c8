"""TLS without a socket: handshakes, alerts and closing, byte by byte."""

from __future__ import annotations

import contextlib
import ssl
import warnings

import pytest

from probes.range.authority import Authority
from probes.range.server_tls import Tls, server_context


class Talk:
    """A client and the range's TLS, joined in memory."""

    def __init__(
        self,
        authority: Authority,
        host: str | None,
        *,
        checks_host: bool = True,
        version: str = "",
    ) -> None:
        trust = ssl.create_default_context(cadata=authority.pem.decode())
        trust.check_hostname = host is not None and checks_host
        if version:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                trust.minimum_version = trust.maximum_version = ssl.TLSVersion[version]
            trust.set_ciphers("DEFAULT:@SECLEVEL=0")
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.client = trust.wrap_bio(self.incoming, self.outgoing, server_hostname=host)
        self.server = Tls(server_context(authority))

    def shake(self) -> None:
        for _ in range(6):
            with contextlib.suppress(ssl.SSLWantReadError):
                self.client.do_handshake()
            try:
                self.server.receive(self.outgoing.read())
            finally:
                self.incoming.write(self.server.outgoing())


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def test_a_host_of_the_zone_gets_a_certificate_that_verifies(authority: Authority) -> None:
    talk = Talk(authority, "gamb-001.canary.accredit.test")
    talk.shake()
    talk.client.write(b"hello")

    assert talk.server.receive(talk.outgoing.read()) == b"hello"
    talk.server.send(b"answer")
    talk.server.close()
    talk.incoming.write(talk.server.outgoing())
    assert talk.client.read(100) == b"answer"
    assert talk.client.read(100) == b""  # the goodbye came: it was not cut off


def test_without_a_name_the_zone_s_own_certificate_is_shown(authority: Authority) -> None:
    talk = Talk(authority, None)
    talk.shake()

    shown = talk.client.getpeercert()
    assert shown is not None
    assert ("DNS", "accredit.test") in shown["subjectAltName"]


@pytest.mark.parametrize("name", ["example.org", "**gamb-001.canary.accredit.test*"])
def test_a_host_outside_the_zone_is_shown_the_zone_s_own_certificate(
    authority: Authority, name: str
) -> None:
    talk = Talk(authority, name)
    with pytest.raises(ssl.SSLCertVerificationError, match="valid for"):
        talk.shake()
    talk = Talk(authority, name, checks_host=False)
    talk.shake()

    shown = talk.client.getpeercert()
    assert shown is not None
    assert (("DNS", "accredit.test"),) == shown["subjectAltName"]


def test_a_host_that_is_not_served_gets_an_alert_and_no_certificate(authority: Authority) -> None:
    talk = Talk(authority, "orchard-view.test")
    with pytest.raises(ssl.SSLError):
        talk.shake()
    with pytest.raises(ssl.SSLError, match=r"(?i)unrecognized.name"):
        talk.client.do_handshake()


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3"])
def test_every_version_of_tls_is_spoken(authority: Authority, version: str) -> None:
    talk = Talk(authority, "gamb-001.canary.accredit.test", version=version)
    talk.shake()

    assert ssl.TLSVersion[version].name == str(talk.client.version()).replace(".", "_")


def test_bytes_that_are_no_tls_are_an_error(authority: Authority) -> None:
    with pytest.raises(ssl.SSLError):
        Tls(server_context(authority)).receive(b"GET / HTTP/1.1\r\n\r\n")
