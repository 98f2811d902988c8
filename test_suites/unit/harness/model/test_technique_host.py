"""Hosts of techniques are told from others, also below them, and relays."""

from __future__ import annotations

import pytest

from harness.model.technique_host import home_of_technique, relay_labels

ZONES = ("a.test", "b.example")


@pytest.mark.parametrize(
    ("host", "home"),
    [
        ("x-1.ways.a.test", "x-1.ways.a.test"),
        ("r.x-1.ways.b.example", "x-1.ways.b.example"),
        ("r.s.x-1.ways.a.test", "x-1.ways.a.test"),
        ("r.relay.ways.a.test", "r.relay.ways.a.test"),
        ("ways.a.test", ""),
        ("x-1.ways.c.test", ""),
        ("x-1.canary.a.test", ""),
        ("x-1.always.a.test", ""),
    ],
)
def test_below_a_host_of_techniques_its_page_is_shown(host: str, home: str) -> None:
    assert home_of_technique(host, ZONES) == home


@pytest.mark.parametrize(
    ("host", "labels"),
    [
        ("r.relay.ways.a.test", "r"),
        ("x.r.relay.ways.b.example", "x.r"),
        ("relay.ways.a.test", ""),
        ("relay.x-1.ways.a.test", ""),
        ("r.relay.ways.c.test", ""),
    ],
)
def test_relays_are_told_from_other_hosts(host: str, labels: str) -> None:
    assert relay_labels(host, ZONES) == labels
