"""Failures of names that have no address which a line may connect to."""

from __future__ import annotations

from harness.model.observation import Failure
from probes.net.route import Family


def bogon(address: str) -> Failure:
    """Return the failure of a name whose address leads nowhere, as a sinkhole's does."""
    return Failure(name="dns_bogon_error", stage="resolve", detail=address)


def no_address_in_family(host: str, family: Family) -> Failure:
    """Return the failure of a host without an address of the family: neither blocked nor judged."""
    detail = f"{host} has an address, but none of family {family}"
    return Failure(name="address_family_not_supported", stage="resolve", detail=detail)


def other_family(host: str, family: str) -> Failure:
    """Return the failure of an IP address that is not of a line's family."""
    detail = f"{host} cannot be reached over {family}"
    return Failure(name="instrument_error", stage="instrument", detail=detail)
