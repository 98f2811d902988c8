"""Hosts are read as clients read them, however they are spelled."""

from __future__ import annotations

import random
from ipaddress import IPv4Address

import ada_url
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.net.spelled_host import SpelledHost, read_host, read_ipv4
from probes.techniques.placeholders import WAYS

LABEL = st.from_regex(r"[a-z]([a-z0-9-]{0,10}[a-z0-9])?", fullmatch=True).filter(
    lambda label: label[2:4] != "--" and not label.startswith("xn")
)
HOST = st.lists(LABEL, min_size=2, max_size=4).map(".".join)
ADDRESS = st.integers(0, 2**32 - 1).map(lambda number: str(IPv4Address(number)))
OF_HOSTS = (
    "upper", "alternate", "mixed", "percent", "percent-lower", "percent-first", "fullwidth", "fullwidth-first",
    "ideographic-dots", "soft-hyphen", "zero-width", "joiner", "circled", "unicode", "spelled",
)  # fmt: skip
OF_ADDRESSES = ("decimal", "hex", "hex-octets", "octal", "short", "spelled")


@pytest.mark.parametrize("way", OF_HOSTS)
@given(host=HOST, seed=st.integers())
def test_every_spelling_of_a_name_is_read_as_that_name(way: str, host: str, seed: int) -> None:
    spelled = WAYS[way](host, random.Random(seed))

    assert read_host(spelled).name.lower() == host
    assert read_host(f"{spelled}.").name.lower() == f"{host}."


@pytest.mark.parametrize("way", OF_ADDRESSES)
@given(address=ADDRESS, seed=st.integers())
def test_every_spelling_of_an_address_is_read_as_it(way: str, address: str, seed: int) -> None:
    spelled = WAYS[way](address, random.Random(seed))

    assert read_host(spelled) == SpelledHost(address=address)


@given(host=HOST, address=ADDRESS, seed=st.integers())
def test_browsers_read_compositions_alike(host: str, address: str, seed: int) -> None:
    draw = random.Random(seed)
    for meant in (host, address):
        assert ada_url.URL(f"http://{WAYS['spelled'](meant, draw)}/").hostname == meant


def test_a_name_of_an_idn_is_written_in_its_own_letters() -> None:
    name = "xn--blckd-qsa8e.ways.accredit.test"
    written = WAYS["unicode"](name, random.Random(0))

    assert written == "bl\u00f6ck\u00ebd.ways.accredit.test"
    assert read_host(written).name == name


def test_a_composition_differs_from_one_attempt_to_the_next() -> None:
    spelled = {WAYS["spelled"]("x-1.ways.accredit.test", random.Random(seed)) for seed in range(9)}

    assert len(spelled) == 9


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0300.0000.0002.0012", "192.0.2.10"),
        ("0xC000020A", "192.0.2.10"),
        ("0x7f.1", "127.0.0.1"),
        ("127.1.", "127.0.0.1"),
        ("0", "0.0.0.0"),
        ("0x", "0.0.0.0"),
        ("4294967296", ""),
        ("256.0.0.1", ""),
        ("1.2.3.256", ""),
        ("1.2.3.4.5", ""),
        ("1..2", ""),
        ("08", ""),
        ("", ""),
        ("x.1", ""),
        ("\u0661", ""),
    ],
)
def test_numbers_are_read_as_inet_aton_reads_them(text: str, address: str) -> None:
    assert read_ipv4(text) == address


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("A.Accredit.TEST.", SpelledHost(name="A.Accredit.TEST.")),
        ("bl%6Fcked.test", SpelledHost(name="blocked.test")),
        ("bl%C3%B6ck.test", SpelledHost(name="xn--blck-6qa.test")),
        ("%31.2", SpelledHost(address="1.0.0.2")),
        ("[2001:DB8:0::1]", SpelledHost(address="2001:db8::1")),
        ("[fe80::1%25eth0]", SpelledHost(address="fe80::1%eth0")),
        ("[2001:db8::1%25eth0]", SpelledHost(address="2001:db8::1")),
    ],
)
def test_a_host_is_a_name_or_an_address(text: str, host: SpelledHost) -> None:
    assert read_host(text) == host


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no host is named"),
        ("..", "no host is named"),
        ("\u00ad", "no host is named"),
        ("[::1", "no IPv6 address in brackets"),
        ("[::1]x", "no IPv6 address in brackets"),
        ("[x]", "'x'"),
        ("%ff.test", "can't decode"),
    ],
)
def test_what_names_no_host_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_host(text)


@given(st.text(max_size=30))
def test_no_text_raises_anything_but_value_error(text: str) -> None:
    for written in (text, f"[{text}]"):
        try:
            host = read_host(written)
        except ValueError:
            continue
        assert bool(host.name) != bool(host.address)
        assert str(host).isascii()
