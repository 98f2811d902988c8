"""Check what lines send of users, and whom they trust, before a packet is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.errors import Fault, known
from harness.model.campaign import Campaign, LineDeclaration
from harness.yaml_reader import Document, KeyPath, dotted


def users_without_name(
    line: LineDeclaration, at: KeyPath, campaign: Campaign, document: Document
) -> Iterator[Fault]:
    """Yield a fault for each profile that sends no name where another one of the line does.

    Only users with the default policy may have none, and those who are not identified must.
    """
    names = {profile: _name(line, profile) for profile in campaign.profiles}
    for profile, declared in campaign.profiles.items():
        options, key = line.options_for(profile), (*at, "by_profile", profile)
        where = key if profile in line.by_profile else (*at, "by_profile")
        if options.get("password") and not names[profile]:
            found = f"profile {profile!r} has a password and no username on line {line.name!r}"
            yield _fault(document, where, found, "give its username as well")
        elif names[profile] and "unidentified" in {*declared.users, *line.users}:
            found = f"profile {profile!r} stands for users who are not identified, and has a"
            found += f" username on line {line.name!r}"
            yield _fault(document, where, found, "remove the username, or 'unidentified'")
        elif any(names.values()) and not (names[profile] or declared.users or line.users):
            found = f"profile {profile!r} has no username on line {line.name!r}, others have one"
            remedy = "give its username and password, or declare 'users: [unidentified]' for it"
            yield _fault(document, where, found, remedy)


def from_campaign(path: Path, given: str) -> str:
    """Return a path that the campaign file at ``path`` gives; a relative one starts beside it."""
    return str(path.parent / given)


def missing_authorities(
    line: LineDeclaration, at: KeyPath, campaign: Campaign, document: Document
) -> Iterator[Fault]:
    """Yield a fault for each file of certificate authorities that does not exist.

    If the file is only in the current folder, where relative paths used to start, the fault gives
    its whole path.
    """
    known: set[str] = set()
    for profile in campaign.profiles:
        given = line.options_for(profile).get("authority")
        if not isinstance(given, str) or not given or given in known:
            continue
        known.add(given)
        if not Path(from_campaign(Path(document.where), given)).is_file():
            is_own = "authority" in line.by_profile.get(profile, {})
            where = (*at, "by_profile", profile) if is_own else (*at, "options")
            found = f"{given!r} is no file of certificate authorities"
            remedy = "give the supplier's CA in PEM form; a relative path starts at this file"
            if Path(given).is_file():
                remedy = (
                    "relative paths start in the campaign file's folder; the current folder has "
                )
                remedy += f"this file, so write {str(Path(given).resolve())!r}"
            yield _fault(document, (*where, "authority"), found, remedy)


def unknown_sites(campaign: Campaign, document: Document) -> Iterator[Fault]:
    """Yield a fault for each site with local exceptions that no line names."""
    sites = sorted({line.site for line in campaign.lines if line.site})
    for site in campaign.local_exceptions:
        if site not in sites:
            found = f"no line has the site {site!r}"
            yield _fault(document, ("local_exceptions", site), found, known(sites))


def _name(line: LineDeclaration, profile: str) -> str:
    """The name that a profile sends, under ``username`` or in the address of the proxy."""
    options = line.options_for(profile)
    before, separator, _ = str(options.get("proxy", "")).rpartition("@")
    return str(options.get("username") or (before if separator else ""))


def _fault(document: Document, at: KeyPath, found: str, remedy: str) -> Fault:
    return document.fault(document.line_of(at), dotted(at), found, remedy)
