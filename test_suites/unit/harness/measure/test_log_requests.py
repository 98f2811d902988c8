"""Requests for a log: a service that answers questions alone is asked for names, others for pages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.cli.compose import prepare
from harness.measure.log_requests import probe_for
from harness.plugins import PROBES
from test_suites.kit.campaigns.rehearsal import simulated_origin, write_campaign


@pytest.mark.parametrize(
    ("kind", "options", "probes", "needed"),
    [
        ("resolver", {"server": "127.0.0.1:53"}, ["dns"], "dns"),
        ("resolver", {"server": "127.0.0.1:53"}, ["dns", "web"], "dns"),
        ("resolver", {"server": "127.0.0.1:53"}, ["dns", "dns_aaaa"], "dns"),
        ("resolver", {"server": "127.0.0.1:53"}, ["web"], "log"),
        ("interface", {"resolver": "127.0.0.1:53"}, ["dns", "web"], "log"),
        ("interface", {"resolver": "127.0.0.1:53"}, ["dns"], "dns"),
        ("explicit_proxy", {"proxy": "http://127.0.0.1:3128"}, ["web"], "log"),
        ("explicit_proxy", {"proxy": "http://127.0.0.1:3128"}, [], "log"),
    ],
)
def test_a_name_server_is_asked_for_names(
    tmp_path: Path, kind: str, options: dict[str, Any], probes: list[str], needed: str
) -> None:
    line = {"name": "line", "type": kind, "options": options, "probes": probes}
    path = write_campaign(
        tmp_path, origin=simulated_origin(tmp_path), lines=[line], categories=["GAMB"], sample=2
    )
    prepared = prepare(path)
    (declared,) = prepared.campaign.lines

    assert needed == probe_for(prepared.campaign, declared, prepared.probes)
    assert needed in PROBES.load()
