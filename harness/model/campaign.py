"""Campaign declarations: a service, its lines and profiles, sentinels, corpora, probes and limits.

A campaign comes from YAML, so it is validated (pydantic).
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from harness.model.corpus import covers
from harness.model.declared import Declared, Handling
from harness.model.listed_page import Overrides
from harness.model.plain_twin import PlainTwins
from harness.model.private_address import has_blank
from harness.model.protocol_case import ProtocolHandling, ProtocolName
from harness.model.scope import Scope
from harness.model.sealed_list import SealedList
from harness.model.service_declaration import Service
from harness.model.transition_address import LOCAL_PREFIX, Nat64Prefix
from harness.model.url_case import Medium, Segment
from harness.model.user import ConcurrentUsers, NotOffered, UserKind, Users, UserTrial
from harness.model.verdict import Mechanism

PHASES = ("ks1", "ks2", "ks3", "ks4", "post16", "staff")
"""School phases, youngest first: the columns of a policy."""

AGE_BANDS = (("ks1", "ks2"), ("ks3",), ("ks4", "post16"), ("staff",))
"""The age bands of METHOD POL-02."""

PUPILS_AND_STAFF = (PHASES[:-1], PHASES[-1:])

Phase = Literal["ks1", "ks2", "ks3", "ks4", "post16", "staff"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]


Words = Annotated[str, Field(max_length=100)]  # a few words of description, for people


class LineDeclaration(Declared):
    """One line through the service: a line plug-in, its options, and options by profile.

    ``site``, ``place`` (a part of it), ``device`` (its kind) and ``group`` (of users) tell where
    and for whom the line is tested; ``segment`` and ``medium``, in which part of the school's
    network. ``users`` are the kinds of users with the default policy that it serves.
    """

    name: Name
    type: str
    site: Words = ""
    place: Words = ""
    device: Words = ""
    group: Words = ""
    segment: Segment | None = None
    medium: Medium | None = None
    users: tuple[UserKind, ...] = ()
    probes: tuple[str, ...] = ()
    options: dict[str, Any] = Field(default_factory=dict)
    by_profile: dict[str, dict[str, Any]] = Field(default_factory=dict)

    def options_for(self, profile: str) -> dict[str, Any]:
        """Return the options of this line for one profile."""
        return {**self.options, **self.by_profile.get(profile, {})}


class ControlDeclaration(Declared):
    """The unfiltered line that every item is measured on as well."""

    type: str = "control"
    options: dict[str, Any] = Field(default_factory=dict)


class ProfileDeclaration(Declared):
    """A user group of the service; ``phase`` selects the policy column.

    ``users`` are the kinds of users with the default policy that it stands for, if any.
    ``uploads`` and ``protocols`` say what the service does with them for this group.
    """

    phase: Phase | None = None
    uploads: Handling | None = None
    protocols: dict[ProtocolName, ProtocolHandling] = Field(default_factory=dict)
    users: tuple[UserKind, ...] = ()


def _host_or_url(text: str) -> str:
    """Return a host or http(s) URL as it is. Raises ValueError."""
    try:
        parts = urlsplit(text)
        is_url = parts.scheme in ("http", "https") and bool(_HOST.fullmatch(parts.hostname or ""))
        is_url = is_url and (parts.port is None or parts.port > 0) and not has_blank(text)
    except ValueError:
        is_url = False
    if not (is_url if "://" in text else _HOST.fullmatch(text)):
        msg = f"{text!r} is neither a host nor an http(s) URL"
        raise ValueError(msg)
    return text


_HOST = re.compile(r"(?=.{1,253}\.?$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?)+")

HostOrUrl = Annotated[str, AfterValidator(_host_or_url)]


def _mechanism(name: object) -> object:
    """Parse the name of a mechanism; raises ValueError if it is unknown."""
    if not isinstance(name, str):
        return name
    try:
        return Mechanism(name)
    except ValueError:
        names = ", ".join(one.value for one in Mechanism if one is not Mechanism.NONE)
        msg = f"no mechanism {name!r}; known: {names}"
        raise ValueError(msg) from None


class Sentinel(Declared):
    """A host or URL, the probes that try it (default: all that can), and how it is blocked."""

    at: HostOrUrl
    probes: Annotated[tuple[str, ...], Field(strict=False)] = ()  # from JSON it comes as a list
    mechanism: Annotated[Mechanism | None, BeforeValidator(_mechanism)] = None

    def is_for(self, probe: str, address: str) -> bool:
        """Whether a probe tries it; ``address`` is the URL it would fetch, or empty.

        Unless probes are named, a URL is tried by probes of its scheme.
        """
        if self.probes:
            return probe in self.probes
        scheme = self.at.partition("://")[0]
        return scheme == self.at or not address or address.startswith(scheme + "://")

    @property
    def host(self) -> str:
        """Its host name."""
        return (urlsplit(self.at).hostname or "") if "://" in self.at else self.at

    @property
    def item_kind(self) -> Literal["host", "url"]:
        """What kind of item it is."""
        return "url" if "://" in self.at else "host"


AnySentinel = Annotated[
    Sentinel, BeforeValidator(lambda one: {"at": one} if isinstance(one, str) else one)
]
"""A sentinel; a plain string is its ``at``."""


class Sentinels(Declared):
    """Hosts and URLs agreed to be allowed or blocked; tried before and after every batch.

    Their names must not reveal their purpose or a category.
    """

    must_allow: tuple[AnySentinel, ...] = (Sentinel(at="amber-lantern.accredit.test"),)
    must_block: tuple[AnySentinel, ...] = (Sentinel(at="copper-meadow.accredit.test"),)

    @model_validator(mode="after")
    def _only_blocks_have_a_mechanism(self) -> Sentinels:
        for one in self.of("must_allow"):
            if one.mechanism is not None:
                msg = f"{one.at!r} is agreed to pass, so no mechanism can be agreed for it"
                raise ValueError(msg)
        return self

    def hosts(self, role: Literal["must_allow", "must_block"]) -> tuple[str, ...]:
        """Return the hosts of one role."""
        return tuple(one.host for one in self.of(role))

    def of(self, role: Literal["must_allow", "must_block"]) -> tuple[Sentinel, ...]:
        """Return the sentinels of one role."""
        return self.must_allow if role == "must_allow" else self.must_block


class CorpusSelection(Declared):
    """Which items of a pack are used: all, some categories, or a seeded sample of each stratum.

    A category includes its sub-categories and its must-allow neighbours (stratum ``twin:CODE``).
    ``items`` names single items instead, as in a re-test.
    """

    pack: str
    categories: tuple[str, ...] = ()
    sample: Annotated[int, Field(ge=1)] | None = None
    items: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the whole pack is used."""
        return not (self.categories or self.sample or self.items)


class Limits(Declared):
    """Timeouts in seconds and limits on concurrent attempts.

    An attempt that times out is repeated with ``confirmation_timeout``. A response that has begun
    is read up to ``body_bytes`` (after decoding) and, when repeated, for ``reading_timeout``.
    ``retries`` is how often an undecided item is tried again. ``per_line`` and ``per_site`` limit
    attempts at once on a line, and on one site over it. ``silence_timeout`` is for silent items.
    """

    timeout: Annotated[float, Field(gt=0, le=300)] = 5.0
    confirmation_timeout: Annotated[float, Field(gt=0, le=600)] = 15.0
    silence_timeout: Annotated[float | None, Field(gt=0, le=2400)] = None
    concurrency: Annotated[int, Field(ge=1, le=5000)] = 50
    per_line: Annotated[int, Field(ge=1)] | None = None
    per_site: Annotated[int, Field(ge=1)] | None = 8
    batch: Annotated[int, Field(ge=1, le=10000)] = 100
    body_bytes: Annotated[int, Field(ge=1024)] = 4 * 1024 * 1024
    reading_timeout: Annotated[float, Field(gt=0, le=600)] = 60.0
    retries: Annotated[int, Field(ge=0, le=3)] = 3
    redirects: Annotated[int, Field(ge=0, le=20)] = 5

    @property
    def longest_patience(self) -> float:
        """``silence_timeout``, or four times ``confirmation_timeout``; in seconds."""
        return self.silence_timeout or 4 * self.confirmation_timeout

    @property
    def visit_patience(self) -> float:
        """Timeout of a visit by the second client, which makes many requests; in seconds."""
        return 2 * self.longest_patience


class StoppingPlan(Declared):
    """When the categories of a plan are tried no further: a test that ends either way.

    A service with rate ``bad`` passes, or fails, with a probability of at most ``alpha``. One with
    rate ``good`` should pass early; ``beta`` belongs to Wald's own test, and decides nothing.
    """

    categories: Annotated[tuple[str, ...], Field(min_length=1)]
    bad: Annotated[float, Field(gt=0, lt=1)]
    good: Annotated[float, Field(gt=0, lt=1)]
    alpha: Annotated[float, Field(gt=0, lt=0.5)] = 0.05
    beta: Annotated[float, Field(gt=0, lt=0.5)] = 0.05

    @model_validator(mode="after")
    def _has_room(self) -> StoppingPlan:
        if self.bad >= self.good:
            msg = f"good ({self.good:g}) must be above bad ({self.bad:g})"
            raise ValueError(msg)
        return self


class Stopping(Declared):
    """How a campaign may stop before every item was tried; declared before it starts."""

    rule: Literal["sprt"] = "sprt"
    plans: Annotated[tuple[StoppingPlan, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_category_once(self) -> Stopping:
        named = [code for plan in self.plans for code in plan.categories]
        for index, code in enumerate(named):
            for other in named[index + 1 :]:
                if covers(code, other) or covers(other, code):
                    msg = f"{code} and {other} overlap: a category may be in one plan, and once"
                    raise ValueError(msg)
        return self


Language = Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
"""A language tag, such as ``cy`` (RFC 5646)."""


class Campaign(Declared):
    """A whole campaign declaration. ``origin`` is the file that describes the canary origin.

    ``scope`` says whether the whole service is tested, or web filtering only, on which no
    accreditation rests. ``items`` is what category rates rest on: hidden ``real`` items, or only
    the ``agreed`` list, which shows no more than that a list is enforced. ``languages`` (BCP 47)
    are spoken in the school. ``overrides`` records attempts to lift illegal blocks. ``not_offered``
    are users whom the service does not serve, ``local_exceptions`` differences of a site's policy,
    by category and host. Of ``availability_lines``, at other sites, nothing but availability is
    asked. With ``crossover`` line and control swap their connections in even rounds.
    ``nat64_prefix`` is that of the NAT64 in the networks of control and lines.
    """

    campaign: Name
    title: str = ""
    service: Service
    scheme: str = "becta-2008"
    scope: Scope = "service"
    origin: str | None = None
    control: ControlDeclaration = ControlDeclaration()
    lines: Annotated[tuple[LineDeclaration, ...], Field(min_length=1)]
    availability_lines: tuple[LineDeclaration, ...] = ()
    profiles: Annotated[dict[str, ProfileDeclaration], Field(min_length=1)]
    corpora: Annotated[tuple[CorpusSelection, ...], Field(min_length=1)]
    items: Literal["agreed", "real"] = "real"
    not_offered: tuple[NotOffered, ...] = ()
    local_exceptions: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    probes: Annotated[tuple[str, ...], Field(min_length=1)] = ("web",)
    rounds: Annotated[int, Field(ge=1, le=100)] = 1
    crossover: bool = False
    nat64_prefix: Nat64Prefix = LOCAL_PREFIX
    languages: tuple[Language, ...] = ()
    seed: str = "accredit"
    sentinels: Sentinels = Sentinels()
    limits: Limits = Limits()
    plain_twins: PlainTwins = PlainTwins()
    concurrent_users: ConcurrentUsers = ConcurrentUsers()
    stopping: Stopping | None = None
    overrides: Overrides | None = None
    sealed_list: SealedList | None = None

    @model_validator(mode="after")
    def _overrides_name_profiles(self) -> Campaign:
        for attempt in self.overrides.attempts if self.overrides else ():
            unknown = sorted(set(attempt.profiles) - set(self.profiles))
            if unknown:
                msg = f"overrides: the campaign has no profile {unknown[0]!r}"
                raise ValueError(msg)
        return self

    @property
    def keeps_order_of_pack(self) -> bool:
        """Whether items are tried in the order of their pack, and not in one that the seed mixes.

        A single pack that is used whole is streamed, unless a campaign may stop early.
        """
        return len(self.corpora) == 1 and self.corpora[0].is_whole and self.stopping is None

    def phase_of(self, profile: str) -> str:
        """Return the policy column of a profile: declared, else its name if it is a phase."""
        declared = self.profiles[profile].phase
        return declared or (profile if profile in PHASES else "ks2")

    def users(self, trials: tuple[UserTrial, ...] = ()) -> Users:
        """Return what is known of the users: ``trials``, and where those with the default are."""
        places = {
            (line.name, profile): tuple(dict.fromkeys((*line.users, *declared.users)))
            for line in self.lines
            for profile, declared in self.profiles.items()
            if line.users or declared.users
        }
        return Users(
            trials=trials,
            places=places,
            not_offered=self.not_offered,
            sites={line.name: line.site for line in self.lines if line.site},
            exceptions=self.local_exceptions,
        )

    def takes_uploads(self, profile: str) -> bool:
        """Whether a profile is not declared to have its uploads blocked."""
        return profile not in self.profiles or self.profiles[profile].uploads != "block"

    def probes_on(self, line: LineDeclaration) -> tuple[str, ...]:
        """Return the probes that run over a line: its own, or the campaign's."""
        return line.probes or self.probes


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """Where one plan of a campaign's ``stopping`` came to rest for one profile.

    ``plan`` counts from 1. ``after`` is, by line, how many items its test had counted when it was
    decided; ``settled`` is the last batch that the decision rests on. Batches from ``batch`` on
    were planned without ``untried`` items of the plan's ``categories``, which saved ``attempts``.
    A stop holds no verdict: what the items show is concluded from their observations.
    """

    plan: int
    categories: tuple[str, ...]
    profile: str
    after: dict[str, int]
    settled: int
    batch: int
    untried: int
    attempts: int
