"""No list brings private addresses, in whatever notation; what probes make is not looked at."""

from __future__ import annotations

import pytest

from corpora.hostnames import BLANK, PRIVATE, why_refused


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("url", "http://192.168.1.1/"),
        ("url", "http://169.254.169.254/latest/meta-data/"),
        ("url", "https://user@[::1]:8080/x"),
        ("url", "http://2130706433/"),
        ("url", "http://0x7f.1/"),
        ("url", "http://%31%32%37.0.0.1/"),
        ("url", "http://metadata.google.internal./computeMetadata/v1/"),
        ("url", "10.0.0.1/admin"),
        ("host", "localhost"),
        ("host", "Printer.Local"),
        ("host", "router"),
        ("host", "127.1"),
        ("suffix", "internal.localhost"),
        ("ip", "fe80::1"),
        ("ip", "::ffff:10.0.0.1"),
        ("ip", "64:ff9b::7f00:1"),
        ("cidr", "10.1.0.0/16"),
        ("cidr", "0.0.0.0/0"),
        ("cidr", "fc00::/7"),
    ],
)
def test_what_only_the_tester_can_reach_is_refused(kind: str, value: str) -> None:
    assert PRIVATE == why_refused(kind, value)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("url", "http://www.example.com/a?b=c"),
        ("url", "a.example/path"),
        ("url", "http://93.184.216.34:8080/"),
        ("host", "porn-nude-001.canary.accredit.test"),
        ("suffix", "xn--bcher-kva.example"),
        ("ip", "2606:4700::1111"),
        ("cidr", "93.184.216.0/24"),
        ("recipe", "http://127.0.0.1/"),
        ("vector", "http://127.0.0.1/ \x00"),
    ],
)
def test_what_is_public_is_not_and_what_a_probe_makes_is_not_looked_at(
    kind: str, value: str
) -> None:
    assert "" == why_refused(kind, value)


@pytest.mark.parametrize(
    "blank", [" ", "\t", "\n", "\x00", "\x1b", "\x7f", "\x9b", "\xa0", "\u2029"]
)
def test_a_blank_or_control_character_is_refused_in_a_url(blank: str) -> None:
    assert BLANK == why_refused("url", f"http://www.example.com/a{blank}b")
