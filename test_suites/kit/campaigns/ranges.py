"""Ranges for tests, their lines, and campaigns over them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from corpora.origin_pack import OriginPack, OriginPages, write_origin_pack
from harness.schemes.load import load_scheme
from probes.range.filter import FilterPolicy
from probes.range.testbed import GATEWAY_FILE, RangeTestbed
from test_suites.kit.campaigns.rehearsal import write_campaign

CREATED = "2026-01-01T00:00:00Z"
PATIENT = {"timeout": 20, "confirmation_timeout": 40, "concurrency": 8}
"""Limits for a slow machine, on which a gateway still answers."""


POLICY = load_scheme("becta-2008").policy


def is_blocked(code: str, profile: str) -> bool:
    """Whether the policy of 2008 blocks a category for pupils; the profile does not matter."""
    del profile
    return POLICY.expects(code, "ks2") == "block"


def world_of(pages: OriginPages | None = None, **options: Any) -> Any:
    """A fixture of a module: a range with these pages and options (see ``RangeTestbed``).

    Its filter knows no host, reads what it lets through, and blocks for ``pupils`` what the policy
    of 2008 asks.
    """

    @pytest.fixture(scope="module")
    def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RangeTestbed]:
        shown: dict[str, Any] = {
            "policy": FilterPolicy(blocks=is_blocked),
            "profiles": ("pupils",),
        }
        if pages:
            shown |= {"contents": pages.contents, "texts": pages.texts}
        folder = tmp_path_factory.mktemp("world")
        with RangeTestbed.running(folder, **shown | options) as running:
            yield running

    return world


def reading_filter(folder: Path, pages: OriginPages) -> AbstractContextManager[RangeTestbed]:
    """Run a range with these pages, whose filter knows no host and reads what it lets through."""
    return gateway_range(folder, pages, FilterPolicy(blocks=is_blocked))


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


def proxy_line(world: RangeTestbed, **more: Any) -> dict[str, Any]:
    """The reference filter as an explicit proxy."""
    address = world.origin.services["reference"]["proxy"]["pupils"]
    return {"name": "proxy", "type": "explicit_proxy", "options": {"proxy": address}} | more


def resolver_line(world: RangeTestbed, **more: Any) -> dict[str, Any]:
    """The reference filter as a resolver."""
    address = world.origin.services["reference"]["resolver"]["pupils"]
    line = {"name": "names", "type": "resolver", "probes": ["dns"]}
    return line | {"options": {"server": address}} | more
