"""Names in lists get one form, and what cannot be a name gets a reason."""

import pytest

from corpora.hostnames import BadName
from corpora.source import (
    SHOWN_CHARACTERS,
    address_entry,
    host_entry,
    normalise_host,
    redirect_entry,
    rejected_entry,
    skipped_entry,
)


def test_a_name_gets_one_form_and_says_what_changed() -> None:
    assert normalise_host("a.example") == ("a.example", ())
    assert normalise_host("A.Example.") == ("a.example", ("trailing dot", "lower-cased"))
    assert normalise_host("BÜCHER.example") == ("xn--bcher-kva.example", ("lower-cased", "IDNA"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("co.uk", "public suffix"),
        ("com.", "public suffix"),
        ("intranet", "no dot"),
        ("1.2.3.4", "address instead of a name"),
        ("a b.example", "invalid host"),
        ("..", "invalid host"),
    ],
)
def test_what_is_no_name_has_a_reason(text: str, reason: str) -> None:
    with pytest.raises(BadName, match=reason):
        normalise_host(text)


def test_a_refused_name_is_shown_unless_it_is_endless() -> None:
    assert host_entry(1, "bad host", "exact").value == "bad host"
    assert host_entry(1, "x" * 64 + ".example", "exact").value == ""
    assert (
        len(rejected_entry(1, "reason", "x" * 999).value)
        == len(skipped_entry(1, "r", "x" * 999).value)
        == SHOWN_CHARACTERS
    )


def test_addresses_and_networks_are_told_from_names() -> None:
    address = address_entry(1, "2001:DB8::9")
    network = address_entry(1, "192.0.2.9/25")

    assert address is not None
    assert (address.value, address.match) == ("2001:db8::9", "ip")
    assert network is not None
    assert (network.value, network.match, network.changes) == (
        "192.0.2.0/25",
        "cidr",
        "host bits removed",
    )
    assert address_entry(1, "a1.example") is None
    assert address_entry(1, "a.example1") is None
    assert address_entry(1, "") is None


def test_nowhere_is_a_block_and_elsewhere_a_rewrite() -> None:
    assert redirect_entry(1, "a.example", "exact", "::").action == "block"
    assert redirect_entry(1, "a.example", "exact", "192.0.2.1")[2:5] == (
        "exact",
        "rewrite",
        "192.0.2.1",
    )
