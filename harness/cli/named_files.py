"""The files that a campaign file names, and those that these name in turn.

All names are relative to one root and stay below it: a file elsewhere is refused, where somebody
can move it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import Any

import msgspec

from corpora.manifest import FILE as MANIFEST
from corpora.manifest import read_manifest
from harness.campaign.origin_file import read_origin
from harness.errors import UsageError
from harness.fleet.envelope import MOST_BYTES
from harness.model.campaign import Campaign
from harness.untrusted.regular_file import read_bounded
from harness.yaml_reader import read_document


class NamedFiles:
    """Files with their contents, by their names; ``root`` is the folder of the monitoring file."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.found: dict[str, bytes] = {}

    def name(self, given: str, beside: str) -> str:
        """The name of a file that the file ``beside`` names. Raises UsageError."""
        where = self.root / beside
        if given.startswith("/") or PureWindowsPath(given).drive or "\\" in given:
            msg = f"{where}: {given!r} must be a relative path with '/', to be sent to an agent"
            raise UsageError(msg)
        name = posixpath.normpath(posixpath.join(posixpath.dirname(beside), given))
        if name == ".." or name.startswith("../"):
            msg = f"{where}: {given!r} is outside {self.root}; move it there to send it to an agent"
            raise UsageError(msg)
        return name

    def is_file(self, given: str, beside: str) -> bool:
        """Whether a path that the file ``beside`` names is a file."""
        return (self.root / posixpath.dirname(beside) / given).is_file()

    def add(self, given: str, beside: str) -> str:
        """Add a file that the file ``beside`` names; return its own name. Raises UsageError."""
        name = self.name(given, beside)
        if name not in self.found:
            path = self.root / name
            try:
                self.found[name] = read_bounded(path, MOST_BYTES)
            except OSError as error:
                msg = f"{path}: cannot be sent to an agent: {error.strerror or error}"
                raise UsageError(msg) from None
        return name


def add_files_of(files: NamedFiles, campaign: Campaign, name: str) -> None:
    """Add the files that the campaign file ``name`` names. Raises UsageError."""
    if campaign.origin:
        _add_origin(files, campaign.origin, name)
    if files.is_file(campaign.scheme, name):
        _add_scheme(files, campaign.scheme, name)
    for authority in dict.fromkeys(_authorities(campaign)):
        files.add(authority, name)
    for selection in campaign.corpora:
        folder = files.root / posixpath.dirname(name) / selection.pack
        if "/" in selection.pack or "\\" in selection.pack or folder.is_dir():
            _add_pack(files, selection.pack, name)


def _add_origin(files: NamedFiles, given: str, beside: str) -> None:
    name = files.add(given, beside)
    origin = read_origin(files.root / name)
    if origin.authority:
        written = msgspec.json.decode(files.found[name], type=dict[str, Any])
        authority = str(written["authority"])
        files.name(authority, name)
        if files.is_file(authority, name):  # a campaign over simulated lines needs none
            files.add(authority, name)


def _add_scheme(files: NamedFiles, given: str, beside: str) -> None:
    """Add a scheme, and the scheme and the policy that it builds on, as far as they are files."""
    name = files.name(given, beside)
    if name in files.found:
        return
    files.add(given, beside)
    data = read_document(files.root / name).data
    written = data if isinstance(data, dict) else {}
    parent, policy = written.get("parent"), written.get("policy")
    if isinstance(parent, str) and files.is_file(parent, name):
        _add_scheme(files, parent, name)
    if isinstance(policy, str) and files.is_file(policy, name):
        files.add(policy, name)


def _authorities(campaign: Campaign) -> Iterator[str]:
    """The files of certificate authorities that the lines of a campaign name."""
    options = [campaign.control.options]
    for line in campaign.lines:
        options += [line.options, *line.by_profile.values()]
    for each in options:
        if isinstance(given := each.get("authority"), str) and given:
            yield given


def _add_pack(files: NamedFiles, given: str, beside: str) -> None:
    folder = files.name(given, beside)
    manifest = read_manifest(files.root / folder)
    files.add(posixpath.join(given, MANIFEST), beside)
    for resource in manifest.resources:
        name = files.name(resource.path, f"{folder}/{MANIFEST}")
        if not name.startswith(f"{folder}/"):
            msg = f"{files.root / folder / MANIFEST}: {resource.path!r} is outside the pack"
            raise UsageError(msg)
        files.add(resource.path, f"{folder}/{MANIFEST}")
