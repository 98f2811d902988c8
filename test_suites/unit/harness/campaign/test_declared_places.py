"""The host of the block page is handed to the service's lines, and never to the control."""

from __future__ import annotations

from typing import Any, cast

import pytest

from harness.campaign.assemble import declare_private_hosts
from harness.model.service_declaration import BlockPage, Service
from harness.ports.network import Line


class Told:
    """A line that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, object]] = []

    def declare(self, block_page: str, control: object) -> None:
        self.told.append((block_page, control))


@pytest.mark.parametrize("page", [None, BlockPage(host="10.0.0.1"), BlockPage(title="Blocked")])
def test_each_line_of_the_service_is_told_and_the_control_is_not(page: BlockPage | None) -> None:
    control, service, other = Told(), Told(), object()
    lines: dict[tuple[str, str], Any] = {
        ("control", "ks2"): control, ("web", "ks2"): service, ("dns", "ks2"): other,
    }  # fmt: skip

    declare_private_hosts(
        Service(name="s", block_page=page), cast("dict[tuple[str, str], Line]", lines)
    )

    assert [(page.host if page else "", control)] == service.told
    assert [] == control.told


@pytest.mark.parametrize("host", ["10.0.0.1", "fd00::1", "block.supplier.example"])
def test_a_block_page_may_be_at_an_address(host: str) -> None:
    assert host == BlockPage(host=host).host
