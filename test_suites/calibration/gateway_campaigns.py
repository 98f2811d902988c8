"""Campaigns over the range: with an origin's own pack over its gateway, or over its proxy."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from corpora.origin_pack import OriginPack, OriginPages, write_origin_pack
from probes.range.filter import FilterPolicy
from probes.range.testbed import GATEWAY_FILE, RangeTestbed
from test_suites.calibration.conftest import POLICY
from test_suites.rehearsal import write_campaign

CREATED = "2026-01-01T00:00:00Z"
PATIENT = {"timeout": 20, "confirmation_timeout": 40, "concurrency": 8}
"""Limits for a slow machine, on which a gateway still answers."""


def reading_filter(folder: Path, pages: OriginPages) -> AbstractContextManager[RangeTestbed]:
    """Run a range with these pages, whose filter knows no host and reads what it lets through."""
    policy = FilterPolicy(blocks=lambda code, _: POLICY.expects(code, "ks2") == "block")
    return gateway_range(folder, pages, policy)


def gateway_range(
    folder: Path, pages: OriginPages, policy: FilterPolicy, **options: Any
) -> AbstractContextManager[RangeTestbed]:
    """Run a range with these pages and a gateway; options as for ``RangeTestbed``."""
    shown = {"contents": pages.contents, "texts": pages.texts, "profiles": ("pupils",)}
    return RangeTestbed.running(folder, policy=policy, gateway=True, **shown | options)


def origin_file(world: RangeTestbed) -> Path:
    """The file that describes the range's origin to campaigns."""
    return Path(world.origin.authority).parent / "origin.json"


def proxy_campaign(world: RangeTestbed, folder: Path, category: str = "GAMB", **more: Any) -> Path:
    """Write a campaign file over the range's proxy that tries two items; its scheme is in folder."""
    proxy = world.origin.services["reference"]["proxy"]["pupils"]
    return write_campaign(
        folder,
        origin=origin_file(world),
        lines=[{"name": "proxy", "type": "explicit_proxy", "options": {"proxy": proxy}}],
        categories=[category],
        sample=2,
        limits={"timeout": 20, "confirmation_timeout": 40, "concurrency": 20},
        scheme="scheme.yaml",
        **more,
    )


def gateway_line(
    world: RangeTestbed,
    folder: Path,
    *,
    name: str = "gateway",
    profile: str = "pupils",
    server: str = "",
    managed: bool = True,
) -> dict[str, Any]:
    """A line through the gateway of a profile, which asks ``server`` (the origin's) for names.

    A managed device trusts the gateway's authority; others trust the origin's alone.
    """
    ports = world.origin.services["reference"]["gateway"][profile]
    options: dict[str, Any] = {
        "server": server or world.origin.resolver,
        "ports": {int(port): real for port, real in ports.items()},
    }
    if managed:
        authority = Path(world.origin.authority)
        trusted = folder / "trusted.pem"
        trusted.write_bytes(authority.read_bytes() + (authority.parent / GATEWAY_FILE).read_bytes())
        options["authority"] = str(trusted)
    return {"name": name, "type": "resolver", "options": options}


def pack_campaign(
    folder: Path,
    world: RangeTestbed,
    pack: OriginPack,
    pages: OriginPages,
    scheme: str,
    **declared: Any,
) -> Path:
    """Write a pack, a scheme, and a campaign with both; gives the campaign's path.

    What is ``declared`` replaces the line of the gateway, the whole pack, and the limits.
    """
    write_origin_pack(pack, pages, folder / "pages", "s", CREATED)
    (folder / "scheme.yaml").write_text(scheme)
    usual: dict[str, Any] = {"corpora": [{"pack": str(folder / "pages")}], "limits": PATIENT}
    if "lines" not in declared:
        usual["lines"] = [gateway_line(world, folder)]
    usual |= declared
    return write_campaign(folder, origin=origin_file(world), scheme="scheme.yaml", **usual)
