"""All hostile suppliers, and the good services beside them."""

from __future__ import annotations

from importlib import import_module

from test_suites.calibration.hostile.good import GOOD
from test_suites.calibration.hostile.supplier import SUPPLIERS, Supplier

MODULES = (
    "proxies_padding",
    "proxies_coding",
    "proxies_rewriting",
    "proxies_scripted",
    "proxies_framing",
    "proxies_block_page",
    "proxies_dressed",
    "proxies_written",
    "proxies_ending",
    "proxies_protocol",
    "proxies_retry",
    "proxies_onward",
    "proxies_pace",
    "proxies_scope",
    "proxies_overblocking",
    "proxies_recognition",
    "name_servers",
    "name_servers_broken",
    "gateways",
)
"""Where the suppliers are defined, in the order of the table."""


def all_suppliers() -> dict[str, Supplier]:
    """Every hostile supplier by its id."""
    for module in MODULES:
        import_module(f"{__package__}.{module}")
    return SUPPLIERS


def find_supplier(identity: str) -> Supplier:
    """The supplier, or good service, of that id. Raises KeyError."""
    good = {each.id: each for each in GOOD.values()}
    return good.get(identity) or all_suppliers()[identity]
