"""An entry: what an importer makes of one line of somebody's list, kept or refused.

Each format's importer yields entries; ``corpora.read_list`` makes the rows of the import
report of them and finds the duplicates.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from corpora import hostnames

SHOWN = 200
"""So many characters of a refused line are shown."""

NULL_ADDRESSES = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1", "0", "127.0.0.2"})  # noqa: S104 - read, not bound
"""Addresses that mean "nowhere" in a list."""


class Entry(NamedTuple):
    """One thing a list says.

    ``spelling`` tells how the value was written differently (it explains a duplicate, too);
    ``note`` tells anything else. ``line`` is a number, or a text where there are many files.
    """

    line: int | str
    value: str = ""
    match: str = ""
    action: str = ""
    target: str = ""
    status: str = "ok"
    note: str = ""
    spelling: str = ""


class Spelled(NamedTuple):
    """A host in its one form, and what had to be changed."""

    name: str
    changes: tuple[str, ...] = ()


def fault(line: int | str, reason: str, value: str = "") -> Entry:
    """An entry that is refused, with the reason."""
    return Entry(line, value[:SHOWN], status="error", note=reason)


def skip(line: int | str, reason: str, value: str = "") -> Entry:
    """An entry that is sound, but says nothing about a host or URL as a whole."""
    return Entry(line, value[:SHOWN], status="skipped", note=reason)


def spell(text: str) -> Spelled:
    """The one form of a listed host. Raises BadName with the reason if it cannot be one."""
    changes: tuple[str, ...] = ()
    name = text
    if hostnames.is_plain(name):
        if hostnames.is_public_suffix(name):
            raise hostnames.BadName("public suffix")
        return Spelled(name)
    if name.endswith("."):
        name, changes = name[:-1], ("trailing dot",)
    if not name.islower() and name != (lowered := name.lower()):
        name, changes = lowered, (*changes, "lower-cased")
    if not name.isascii():
        changes = (*changes, "IDNA")
    name = hostnames.to_host(name)
    if hostnames.is_public_suffix(name):
        raise hostnames.BadName("public suffix")
    head, _, last = name.rpartition(".")
    if not head:
        raise hostnames.BadName("no dot in the name")
    if last.isdigit():
        raise hostnames.BadName("address instead of a name")
    return Spelled(name, changes)


def host_entry(
    line: int | str,
    text: str,
    match: str,
    action: str = "block",
    target: str = "",
    note: str = "",
) -> Entry:
    """An entry for one host, or its refusal."""
    try:
        name, changes = spell(text)
    except hostnames.BadName as error:
        return fault(line, str(error), value=_shown(text, str(error)))
    return Entry(line, name, match, action, target, "ok", note, "; ".join(changes))


def address_entry(line: int | str, text: str, action: str = "block") -> Entry | None:
    """An entry for an address or a network; None if the text is neither."""
    if not text or not (text[-1].isdigit() or ":" in text):
        return None
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    if "/" not in text:
        return Entry(line, str(network.network_address), "ip", action)
    changed = "" if str(network) == text else "host bits removed"
    return Entry(line, str(network), "cidr", action, spelling=changed)


def redirected(line: int | str, name: str, match: str, address: str) -> Entry:
    """An entry for a host that is given an address: nowhere, or somewhere else."""
    if address in NULL_ADDRESSES:
        return host_entry(line, name, match)
    return host_entry(line, name, match, "rewrite", address)


def _shown(text: str, reason: str) -> str:
    """What is shown of a refused name: nothing of one that is too long to be read."""
    return "" if reason.startswith(("label >", "name >")) else text


Halves = NDArray[np.uint64]

DIGEST_BYTES = 16
LONGEST = 1 << 20
"""Digests in a run that is merged no more: merging takes memory, too."""


class _Run(NamedTuple):
    """Digests in the order of their first halves."""

    first: Halves
    second: Halves


class Seen:
    """A growing set of texts, asked and extended by many at once."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []

    def __len__(self) -> int:
        return sum(len(run.first) for run in self._runs)

    def sift(self, texts: Sequence[str]) -> list[bool]:
        """Whether each text came before, among these or earlier ones; all are known from now on."""
        if not texts:
            return []
        first, second = _halves(texts)
        order = np.argsort(first, kind="stable")
        ordered = _Run(first[order], second[order])
        known = np.zeros(len(texts), dtype=np.bool_)
        known[1:] = _same(ordered.first[1:], ordered.first[:-1], ordered.second)
        for run in self._runs:
            at = np.searchsorted(run.first, ordered.first)
            at[at == len(run.first)] = 0
            known |= (run.first[at] == ordered.first) & (run.second[at] == ordered.second)
        self._keep(_Run(ordered.first[~known], ordered.second[~known]))
        found = np.empty_like(known)
        found[order] = known
        return list(map(bool, found))

    def _keep(self, run: _Run) -> None:
        """Add a run, and merge it with those that are hardly longer: few are left to search."""
        if not len(run.first):
            return
        while self._runs and len(self._runs[-1].first) <= min(2 * len(run.first), LONGEST):
            last = self._runs.pop()
            first = np.concatenate([last.first, run.first])
            order = np.argsort(first, kind="stable")
            run = _Run(first[order], np.concatenate([last.second, run.second])[order])
        self._runs.append(run)


def _same(first: Halves, before: Halves, second: Halves) -> NDArray[np.bool_]:
    same: NDArray[np.bool_] = (first == before) & (second[1:] == second[:-1])
    return same


def _halves(texts: Sequence[str]) -> tuple[Halves, Halves]:
    digests = b"".join(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest()
        for text in texts
    )
    pairs = np.frombuffer(digests, dtype=np.uint64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]
