"""Names are read as browsers and registries read them, and without a network."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
import tldextract
from hypothesis import given
from hypothesis import strategies as st
from publicsuffixlist import PSLFILE
from tldextract.suffix_list import extract_tlds_from_suffix_list
from tldextract.tldextract import _PublicSuffixListTLDExtractor

from corpora import hostnames
from corpora.hostnames import BLANK, PRIVATE, why_refused
from corpora.pack_reader import open_pack, shipped_packs


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("EXAMPLE.test.", "example.test"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("foo_bar.example", "foo_bar.example"),
    ],
)
def test_a_host_has_one_form(text: str, name: str) -> None:
    assert hostnames.to_host(text) == name


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a" * 64 + ".example", "label > 63"),
        (".".join(["a" * 60] * 5), "name > 253"),
        ("ü" * 100 + ".example", "label > 63"),
        ("bad_host!.example", "invalid host"),
        ("a..example", "invalid host"),
        ("-a.example", "invalid host"),
        ("", "invalid host"),
        ("xn--\u00e9.example", "invalid IDNA name"),
        ("xn--999999999.example", "invalid IDNA name"),
    ],
)
def test_a_bad_host_has_a_reason(text: str, reason: str) -> None:
    with pytest.raises(hostnames.BadName, match=reason):
        hostnames.to_host(text)


def test_a_url_is_read_as_a_browser_does() -> None:
    address = hostnames.to_address("HTTP://Bücher.example:80/ä?q#f")

    assert address.host == "xn--bcher-kva.example"
    assert address.scheme == "http"
    assert address.href == "http://xn--bcher-kva.example/%C3%A4?q#f"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a.example/x", "no scheme"),
        ("ftp://a.example/", "scheme is not http or https"),
        ("http://", "invalid URL"),
        ("http://a|b/", "invalid URL"),
        ("http://a b/", "blank or control character in the URL"),
        ("http://a.example/x y", "blank or control character in the URL"),
        ("http://a.ex\tample/", "blank or control character in the URL"),
        (" http://a.example/", "blank or control character in the URL"),
        ("http://a.example/\r\nX: y", "blank or control character in the URL"),
        ("http://a.example/\x7f", "blank or control character in the URL"),
        ("http://a.example/\x9b31m", "blank or control character in the URL"),
        ("http://a.example/\u2028", "blank or control character in the URL"),
        ("http://a..b/", "invalid host"),
    ],
)
def test_a_bad_url_has_a_reason(text: str, reason: str) -> None:
    with pytest.raises(hostnames.BadName, match=reason):
        hostnames.to_address(text)


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("www.news.bbc.co.uk", "bbc.co.uk"),
        ("a.github.io", "a.github.io"),
        ("nhs.uk", "nhs.uk"),
        ("www.alpha.example", "alpha.example"),
        ("192.0.2.7", "192.0.2.7"),
        ("gamb-001.canary.accredit.test", "gamb-001.canary.accredit.test"),
        ("www.gamb-001.canary.accredit.test", "gamb-001.canary.accredit.test"),
    ],
)
def test_the_registrable_domain_is_the_cluster(host: str, domain: str) -> None:
    assert hostnames.registrable(host) == domain


def test_public_suffixes_are_known() -> None:
    assert hostnames.is_public_suffix("co.uk")
    assert hostnames.is_public_suffix("com")
    assert not hostnames.is_public_suffix("bbc.co.uk")


LABELS = [
    "a",
    "b-1",
    "www",
    "x_y",
    "-z",
    "xn--bcher-kva",
    "city",
    "kobe",
    "jp",
    "uk",
    "co",
    "com",
    "github",
    "io",
    "ck",
    "oci",
    "customer-oci",
]
HOSTS = st.lists(
    st.sampled_from([*LABELS, "canary", "accredit", "test", "7", "A", "", "l" * 63, "l" * 64]),
    min_size=1,
    max_size=6,
).map(".".join)


@given(HOSTS)
def test_a_plain_name_is_what_the_full_road_makes_of_it(host: str) -> None:
    if hostnames.is_plain(host):
        assert hostnames.to_host(host) == host
        assert not hostnames.is_address(host)


@pytest.mark.parametrize("host", ["xn--99999999.example", "a.xn--bcher-kva", "192.0.2.7", "com"])
def test_what_must_be_looked_at_is_not_plain(host: str) -> None:
    assert not hostnames.is_plain(host)


@cache
def judge(*, with_private: bool = True) -> tldextract.TLDExtract:
    """tldextract with the same list."""
    found = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())
    listed = extract_tlds_from_suffix_list(Path(PSLFILE).read_text(encoding="utf-8"))
    ours = [*hostnames.PRIVATE_SUFFIXES] if with_private else []
    found._extractor = _PublicSuffixListTLDExtractor(*listed, ours, with_private)
    return found


def by_tldextract(host: str) -> str:
    parts = judge()(host)
    if parts.suffix or parts.ipv4 or parts.ipv6:
        return parts.top_domain_under_public_suffix or host
    return ".".join(host.split(".")[-2:])


@given(HOSTS.filter(lambda host: not host.startswith(".") and not host.endswith(".")))
def test_the_registrable_domain_is_that_of_tldextract(host: str) -> None:
    assert by_tldextract(host).lower() == hostnames.registrable(host).lower()


def test_each_rule_of_the_suffix_list_is_read_as_tldextract_does() -> None:
    rules = hostnames._rules()
    for rule in sorted(rules.suffixes):
        for before in ("", "a.", "b.a."):
            host = before + rule.lstrip("*!.")
            if host in rules.wild and host.partition(".")[2] in rules.wild:
                continue  # *.r.cloud.int.apple is a rule: tldextract leaves it out here
            assert by_tldextract(host) == hostnames.registrable(host), host


def test_public_suffixes_are_those_of_the_icann_part() -> None:
    for rule in sorted(hostnames._rules().suffixes):
        for before in ("", "a."):
            host = before + rule.lstrip("*!.")
            if host.isascii() and "xn--" not in host and "." in host:
                found = judge(with_private=False)(host)
                assert (found.suffix == host) == hostnames.is_public_suffix(host), host


PUBLISHED = re.findall(
    r"^checkPublicSuffix\('(.*)', (?:'(.*)'|null)\);",
    Path(PSLFILE).with_name("test_psl.txt").read_text(encoding="utf-8"),
    re.MULTILINE,
)
"""The published test vectors of the list (publicsuffix.org), which come with it."""


def test_the_published_vectors_of_the_suffix_list_hold() -> None:
    assert len(PUBLISHED) > 70
    for host, domain in PUBLISHED:
        if not host.startswith("."):  # no host
            expected = domain or host
            if host.isascii():
                assert expected.lower() == hostnames.registrable(host).lower(), host
            else:
                named = hostnames.to_host(host)
                assert hostnames.to_host(expected) == hostnames.registrable(named), host


def test_the_hosts_of_all_shipped_packs_have_the_domains_that_tldextract_finds() -> None:
    hosts = {item.host for pack in shipped_packs() for item in open_pack(pack).items() if item.host}

    assert len(hosts) > 1000
    assert {host: by_tldextract(host) for host in hosts} == {
        host: hostnames.registrable(host) for host in hosts
    }


def test_networks_have_no_host_bits() -> None:
    assert hostnames.is_network("192.0.2.0/25")
    assert not hostnames.is_network("192.0.2.1/25")
    assert not hostnames.is_network("192.0.2.1")
    assert hostnames.is_address("2001:db8::9")


@given(st.text(max_size=300))
def test_any_text_is_a_host_or_a_bad_name(text: str) -> None:
    try:
        name = hostnames.to_host(text)
    except hostnames.BadName:
        return
    assert hostnames.is_host(name)
    assert hostnames.to_host(name) == name


@given(st.text(max_size=100))
def test_any_text_is_a_url_or_a_bad_name(text: str) -> None:
    try:
        address = hostnames.to_address("http://" + text)
    except hostnames.BadName:
        return
    assert hostnames.to_address(address.href) == address


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
