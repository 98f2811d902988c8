"""What a campaign was measured with, by content: schemes, packs, origin, lines, profiles.

A name can stand on two contents. Where two campaigns meet (plan and re-test, soak, decision,
comparison, surveillance), the SHA-256 of each part is compared, and each difference is a sentence.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from harness.model.scheme import Scheme

Parts = tuple[tuple[str, str], ...]
"""The parts of a campaign in the order of their names, each with its identity.

The identity of a scheme or pack is its version and the SHA-256 of its content, of other parts the
SHA-256 alone, and of what a line shows the marks that it showed. Empty for campaigns of earlier
versions, which recorded none.
"""

SCHEME, POLICY, PACK, ORIGIN, CONTROL = "scheme ", "policy ", "pack ", "origin", "control"
LINE, PROFILE, LIST, SHOWN, RULES = "line ", "profile ", "sealed list", "shown by line ", "rules"
"""How the names of parts begin."""

MEASURED_OVER = (LINE, PROFILE, SHOWN)
"""The parts that tell the lines of a service apart."""

UNKNOWN = (
    "{} is from a version that recorded no digests, so it cannot be shown that it was measured "
    "with the same scheme, packs, origin, lines and profiles"
)
REVIEWS = ("reviewed_on", "review_by")
SHORT = 12
"""How many digits of a digest a sentence shows."""


class Difference(NamedTuple):
    """A part that differs between two campaigns, in a sentence.

    ``now`` is its identity in the later one, empty if that lacks it. ``is_edited``: the content
    differs under the same name and version.
    """

    part: str
    now: str
    sentence: str
    is_edited: bool = False

    @property
    def is_named_only(self) -> bool:
        """Whether it is no reason to refuse: both campaigns are judged by the installed rules."""
        return self.part == RULES


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowedChange:
    """What differs between a finding's campaign and a later one, and who allowed it, and why."""

    campaign: str
    differences: tuple[str, ...]
    reason: str
    by: str
    at: datetime


def digest_of(value: Any) -> str:
    """The SHA-256 of a document of plain values, whatever the order of its keys."""
    text = json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """The value with whole numbers as integers, which canonical JSON does not tell from floats."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def scheme_document(scheme: Scheme) -> dict[str, Any]:
    """A scheme as plain values, without what has its default."""
    return scheme.model_dump(mode="json", exclude_defaults=True)


def scheme_parts(document: Mapping[str, Any]) -> dict[str, str]:
    """The parts of a scheme, given as plain values: the scheme itself, and its policy.

    When it was reviewed is no part of it: a review that finds nothing to change changes nothing.
    """
    policy = document["policy"]
    own = {name: value for name, value in document.items() if name not in REVIEWS}
    own["policy"] = policy["id"]
    return {
        f"{SCHEME}{document['id']}": f"{document['version']} {digest_of(own)}",
        f"{POLICY}{policy['id']}": digest_of(policy),
    }


def ordered(parts: Mapping[str, str]) -> Parts:
    """The parts in the order of their names."""
    return tuple(sorted(parts.items()))


def concluded_with(declared: Parts, scheme: Scheme, shown: Mapping[str, str]) -> Parts:
    """The parts of a campaign that was concluded by a scheme, with what its lines showed.

    Empty if the campaign recorded none. The scheme replaces the declared one.
    """
    if not declared:
        return ()
    kept = {name: value for name, value in declared if not name.startswith((SCHEME, POLICY))}
    return ordered({**kept, **scheme_parts(scheme_document(scheme)), **shown})


def with_rules(parts: Parts, version: str) -> Parts:
    """The parts with the version of the rules that judged; empty if none were recorded."""
    return ordered({**dict(parts), RULES: version}) if parts else ()


def about(parts: Parts, line: str, profile: str) -> Parts:
    """The parts that a line and profile were measured with: not those of other ones."""
    own = {f"{LINE}{line}", f"{SHOWN}{line}", f"{PROFILE}{profile}"}
    return tuple(each for each in parts if each[0] in own or not each[0].startswith(MEASURED_OVER))


def differences(before: Parts, after: Parts, ignored: Iterable[str] = ()) -> tuple[Difference, ...]:
    """How two campaigns differ, part by part; nothing if one of them recorded no parts.

    ``ignored`` are the identities of packs that the later campaign may have as well.
    """
    if not before or not after:
        return ()
    return tuple(_differences(dict(before), dict(after), frozenset(ignored)))


def _differences(
    before: Mapping[str, str], after: Mapping[str, str], ignored: frozenset[str]
) -> Iterator[Difference]:
    for part in sorted(before.keys() | after.keys()):
        was, now = before.get(part, ""), after.get(part, "")
        if was == now or (part.startswith(PACK) and now.rpartition(" ")[2] in ignored):
            continue
        if part.startswith(SHOWN):
            if was and now and not set(was.split()) & set(now.split()):
                line = part.removeprefix(SHOWN)
                marks = f"{', '.join(was.split())}; now {', '.join(now.split())}"
                sentence = f"line {line} showed another service ({marks})"
                yield Difference(part, now, sentence)
        elif part == RULES:
            if was and now:
                yield Difference(part, now, f"judged by other rules ({_change(was, now)})")
        elif not now:
            yield Difference(part, now, f"{part} is missing ({_short(was)} before)")
        elif not was:
            yield Difference(part, now, f"{part} is new ({_short(now)})")
        else:
            yield _changed(part, was, now)


def _changed(part: str, was: str, now: str) -> Difference:
    versions = was.rpartition(" ")[0], now.rpartition(" ")[0]
    if versions[0] != versions[1]:
        sentence = f"{part} has version {versions[1]}, and {versions[0]} before"
        return Difference(part, now, f"{sentence} ({_change(was, now)})")
    if not versions[0]:
        return Difference(part, now, f"{part} differs ({_change(was, now)})")
    sentence = f"{part} {versions[0]} has another content under the same version"
    return Difference(part, now, f"{sentence} ({_change(was, now)})", is_edited=True)


def _change(was: str, now: str) -> str:
    return f"{_short(was)}, now {_short(now)}"


def _short(identity: str) -> str:
    return identity.rpartition(" ")[2][:SHORT]
