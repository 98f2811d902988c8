"""Whose policy answers: users of one address, users who are not known, and their credentials."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from corpora.pack_reader import open_pack
from harness.errors import FaultyDocument, UnfinishedError
from harness.estimate.site_policies import ONE_SITE, TOO_FEW
from harness.estimate.user_policies import NO_DIFFERENCE, NOT_CONCURRENT, NOT_TRIED
from harness.measure.concurrent_users import ConcurrentUserRun
from harness.model.corpus import Item
from harness.model.outcome import Conformity, Outcome
from probes.range.faults import Fault, FaultKind
from probes.range.filter import FilterPolicy
from probes.range.testbed import RangeTestbed
from probes.range.user_proxy import RangeUser, UserDirectory
from test_suites.kit.campaigns.ranges import POLICY, origin_file, world_of
from test_suites.kit.campaigns.rehearsal import Rehearsal, rehearse, write_campaign

PHASES = {"pupils": "ks2", "staff": "staff"}
SERVED_PROFILES = PHASES | {"branch": "ks2"}
"""The profiles that the filter knows: also those of pupils at another site."""
EVENTS = 40
SCHEME = f"""\
id: our-school
version: "1.0"
title: Whose policy answers
policy: uk-schools-2026
requirements: [{{id: POL-05, n_min: {EVENTS}}}, {{id: POL-07}}]
"""
DIRECTORY = UserDirectory(
    users={
        "ann": RangeUser(profile="pupils", password="a"),
        "bob": RangeUser(profile="staff", password="b"),
        "old": RangeUser(profile="staff", password="b", is_expired=True),
    },
    default="pupils",
)
Try = Callable[..., Rehearsal]
TrySites = Callable[..., dict[str, Outcome]]


def declared_policy() -> FilterPolicy:
    """A filter that does for each profile what the policy asks."""
    return FilterPolicy.from_items(
        open_pack("canary").items(),
        lambda code, profile: POLICY.expects(code, SERVED_PROFILES[profile]) == "block",
    )


world = world_of(policy=declared_policy(), profiles=SERVED_PROFILES, users=DIRECTORY)
"""A filter whose users sign in at one proxy, and which does what the policy asks of each."""


@pytest.fixture
def tried(world: RangeTestbed, tmp_path: Path) -> Iterator[Try]:
    """Measure and conclude a campaign of two users at one proxy."""

    def run(
        names: dict[str, str] | None = None, fault: Fault | None = None, **more: Any
    ) -> Rehearsal:
        if fault is not None:
            world.faults.add(fault)
        (tmp_path / "scheme.yaml").write_text(SCHEME)
        path = write_campaign(
            tmp_path,
            origin=more.pop("origin", origin_file(world)),
            categories=more.pop("categories", ["ADLT", "DRUG"]),
            sample=5,
            **{
                "lines": [users_line(world, names or {"pupils": "ann:a", "staff": "bob:b"})],
                "profiles": {name: {"phase": phase} for name, phase in PHASES.items()},
                "concurrent_users": {"events": EVENTS},
                "scheme": "scheme.yaml",
            }
            | more,
        )
        return rehearse(path)

    yield run
    world.faults.clear()


def users_line(world: RangeTestbed, names: dict[str, str], **more: Any) -> dict[str, Any]:
    """A line to the users' proxy; each profile signs in with a name and a password."""
    by_profile = {
        profile: dict(zip(("username", "password"), name.split(":"), strict=True))
        for profile, name in names.items()
    }
    address = world.origin.services["reference"]["users"]["ann"].partition("@")[2]
    options = {"proxy": f"http://{address}"}
    line = {"name": "school", "type": "explicit_proxy", "options": options}
    return line | {"by_profile": by_profile} | more


def cross_talk(run: Rehearsal) -> Outcome:
    return run.outcome("POL-05", "school")


def test_a_filter_that_knows_its_users_conforms(tried: Try) -> None:
    outcome = cross_talk(tried())

    assert (outcome.conformity, outcome.reasons) == (Conformity.CONFORMS, ())
    assert outcome.metric.k == 0
    assert outcome.metric.n >= EVENTS


def test_a_filter_that_confuses_its_users_does_not_conform(tried: Try) -> None:
    outcome = cross_talk(tried(fault=Fault(kind=FaultKind.MIXED_USERS)))

    assert outcome.conformity is Conformity.DOES_NOT_CONFORM
    assert outcome.metric.left_out == {}, "each user alone gets the right policy"
    assert {one.category for one in outcome.witnesses} == {"ADLT"}
    assert "other users of the same address" in outcome.witnesses[0].saw[0]


def test_users_at_different_proxies_show_nothing(tried: Try, world: RangeTestbed) -> None:
    proxies = world.origin.services["reference"]["proxy"]
    by_profile = {name: {"proxy": proxies[name]} for name in PHASES}
    line = {"name": "school", "type": "explicit_proxy", "by_profile": by_profile}

    outcome = cross_talk(tried(lines=[line]))

    assert outcome.conformity is Conformity.INSUFFICIENT
    assert outcome.reasons[0] == NOT_TRIED


@pytest.mark.parametrize("categories", [["DRUG"], ["MISI"]])
def test_users_with_the_same_policy_show_nothing(tried: Try, categories: list[str]) -> None:
    outcome = cross_talk(tried(categories=categories))

    assert outcome.conformity is Conformity.INSUFFICIENT
    assert outcome.reasons[0] == NOT_TRIED


def test_a_filter_that_exchanges_its_users_is_not_favoured(tried: Try) -> None:
    outcome = cross_talk(tried({"pupils": "bob:b", "staff": "ann:a"}))

    assert outcome.conformity is Conformity.INSUFFICIENT
    assert outcome.reasons[0] == NO_DIFFERENCE


def test_requests_one_after_the_other_are_not_at_the_same_time(tried: Try) -> None:
    limits = {"timeout": 5, "confirmation_timeout": 10, "per_line": 1}

    outcome = cross_talk(tried(limits=limits))

    assert outcome.conformity is Conformity.INSUFFICIENT
    assert outcome.metric.n == 0
    assert outcome.reasons[0] == NOT_CONCURRENT


SERVED = {"not_offered": ["guest", "own_device", "off_site"]}
"""The service is declared to serve nobody who is not known, but requests without a name."""


def with_nobody(world: RangeTestbed, **more: Any) -> dict[str, Any]:
    """A campaign of two users, and of requests without a name at the same proxy."""
    profiles = {name: {"phase": phase} for name, phase in PHASES.items()}
    names = {"pupils": "ann:a", "staff": "bob:b"}
    return {
        "lines": [users_line(world, names)],
        "profiles": profiles | {"nobody": {"phase": "ks2", "users": ["unidentified"]}},
        "concurrent_users": {"events": 0},
    } | (SERVED | more)


def leaks(run: Rehearsal) -> list[Outcome]:
    return [one for one in run.assessment.outcomes if one.requirement.id == "POL-07"]


def test_requests_without_a_name_that_get_the_strictest_policy_conform(
    tried: Try, world: RangeTestbed
) -> None:
    (outcome,) = leaks(tried(**with_nobody(world)))

    assert (outcome.profile, outcome.conformity) == ("nobody", Conformity.CONFORMS)
    assert (outcome.metric.k, outcome.metric.n) == (0, 10)
    assert "pupils on school" in outcome.metric.method
    assert "declared not to be served: guests" in outcome.metric.method


def test_requests_without_a_name_that_get_the_policy_of_staff_do_not_conform(
    world: RangeTestbed, tried: Try, tmp_path: Path
) -> None:
    lax = UserDirectory(users=DIRECTORY.users, default="staff")
    options: dict[str, Any] = {
        "policy": declared_policy(),
        "profiles": SERVED_PROFILES,
        "users": lax,
    }
    with RangeTestbed.running(tmp_path / "lax", **options) as other:
        (outcome,) = leaks(tried(**with_nobody(other), origin=origin_file(other)))

    assert outcome.conformity is Conformity.DOES_NOT_CONFORM
    assert (outcome.metric.k, outcome.metric.n) == (5, 10)
    assert {one.category for one in outcome.witnesses} == {"ADLT"}


def test_users_who_were_not_tried_are_named(tried: Try, world: RangeTestbed) -> None:
    (outcome,) = leaks(tried(**with_nobody(world, not_offered=["off_site"])))

    assert (outcome.conformity, outcome.leaning) == (Conformity.INSUFFICIENT, "pass")
    assert outcome.reasons[0].startswith("not tried: guests, personal devices;")


def test_without_any_declared_place_nothing_is_shown(tried: Try) -> None:
    outcomes = leaks(tried(concurrent_users={"events": 0}))

    assert {one.conformity for one in outcomes} == {Conformity.INSUFFICIENT}
    assert "users who are not identified" in outcomes[0].reasons[0]


@pytest.mark.parametrize("name", ["old:b", "bob:wrong"])
def test_credentials_that_do_not_work_are_named_and_nothing_passes(tried: Try, name: str) -> None:
    run = tried({"pupils": "ann:a", "staff": name})
    outcome = next(one for one in run.assessment.outcomes if one.profile == "staff")
    failed = [one for one in run.assessment.preconditions if one.profile == "staff"]

    assert outcome.conformity is Conformity.INSUFFICIENT
    assert {one.held for one in failed} == {False}
    assert "a name or password is missing, wrong or expired" in failed[0].detail


def test_somebody_with_a_name_does_not_stand_for_those_without(
    tried: Try, world: RangeTestbed
) -> None:
    line = users_line(world, {"pupils": "ann:a", "staff": "bob:b", "nobody": "ann:a"})

    with pytest.raises(FaultyDocument, match="'nobody' stands for users who are not identified"):
        tried(**with_nobody(world, lines=[line]))


@pytest.mark.parametrize(
    ("names", "options", "words"),
    [
        ({"pupils": {"username": "ann"}}, {}, "profile 'staff' has no username on line 'school'"),
        ({"staff": {"password": "b"}}, {}, "profile 'staff' has a password and no username"),
        ({}, {"authority": "nowhere.pem"}, "'nowhere.pem' is no file of certificate authorities"),
    ],
)
def test_a_missing_name_or_authority_is_found_before_a_packet_is_sent(
    tried: Try, names: dict[str, Any], options: dict[str, str], words: str
) -> None:
    proxy = {"proxy": "http://127.0.0.1:1"} | options
    line = {"name": "school", "type": "explicit_proxy", "options": proxy, "by_profile": names}

    with pytest.raises(FaultyDocument, match=re.escape(words)):
        tried(lines=[line])


SITES = """\
id: our-school
version: "1.0"
title: One policy for several sites
policy: uk-schools-2026
requirements: [{id: POL-09}]
"""


@pytest.fixture
def at_sites(world: RangeTestbed, tmp_path: Path) -> Iterator[TrySites]:
    """Measure pupils at three sites; the filter knows those of the third by a name of their own."""

    def run(fault: Fault | None = None, sites: str = "ABC", **more: Any) -> dict[str, Outcome]:
        if fault is not None:
            world.faults.add(fault)
        (tmp_path / "scheme.yaml").write_text(SITES)
        proxies = world.origin.services["reference"]["proxy"]
        lines = [
            {
                "name": f"line-{site}",
                "type": "explicit_proxy",
                "site": site,
                "options": {"proxy": proxies["branch" if site == "C" else "pupils"]},
            }
            for site in sites
        ]
        path = write_campaign(
            tmp_path,
            origin=origin_file(world),
            lines=lines,
            **{
                "corpora": [{"pack": "canary", "items": [one.id for one in blocked_items()]}],
                "scheme": "scheme.yaml",
                "concurrent_users": {"events": 0},
            }
            | more,
        )
        return {one.line[-1]: one for one in rehearse(path).assessment.outcomes}

    yield run
    world.faults.clear()


def blocked_items() -> list[Item]:
    """A few items that are blocked at every site."""
    drugs = (item for item in open_pack("canary").items() if item.stratum == "DRUG")
    return list(islice(drugs, 6))


def let_through(items: list[Item], *profiles: str) -> Fault:
    hosts = frozenset(item.host for item in items)
    return Fault(kind=FaultKind.MISS, hosts=hosts, profiles=frozenset(profiles))


def test_sites_that_are_filtered_alike_conform(at_sites: TrySites) -> None:
    outcomes = at_sites()

    assert {one.conformity for one in outcomes.values()} == {Conformity.CONFORMS}
    assert {one.metric.n for one in outcomes.values()} == {3}


def test_a_site_with_a_silent_exception_does_not_conform_unless_it_is_declared(
    at_sites: TrySites,
) -> None:
    odd = blocked_items()[:1]
    silent = at_sites(let_through(odd, "branch"))
    host = odd[0].host
    declared = at_sites(campaign="again", local_exceptions={"C": [host]})

    assert [silent[site].conformity for site in "ABC"] == [
        Conformity.CONFORMS, Conformity.CONFORMS, Conformity.DOES_NOT_CONFORM,
    ]  # fmt: skip
    assert [host] == [one.value for one in silent["C"].witnesses]
    assert {one.conformity for one in declared.values()} == {Conformity.CONFORMS}
    assert host in declared["C"].metric.method


def test_one_site_alone_shows_nothing(at_sites: TrySites) -> None:
    (outcome,) = at_sites(sites="A").values()

    assert outcome.conformity is Conformity.INSUFFICIENT
    assert outcome.reasons[0] == ONE_SITE


def test_sites_at_which_nothing_is_blocked_show_nothing(at_sites: TrySites) -> None:
    outcomes = at_sites(let_through(blocked_items(), "pupils", "branch"))

    assert {one.conformity for one in outcomes.values()} == {Conformity.INSUFFICIENT}
    assert outcomes["A"].reasons[0] == TOO_FEW


def test_an_interrupted_campaign_makes_only_the_missing_turns(
    tried: Try, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []
    make_turn = ConcurrentUserRun._make_turn

    async def stop_once(self: ConcurrentUserRun, plan: Any, turn: int, number: int) -> Any:
        made.append(turn)
        if made == [1, 2, 3]:
            raise UnfinishedError("the line was unplugged")
        return await make_turn(self, plan, turn, number)

    monkeypatch.setattr(ConcurrentUserRun, "_make_turn", stop_once)
    with pytest.raises(UnfinishedError, match="unplugged"):
        tried()
    outcome = cross_talk(tried())

    assert [1, 2, 3, 3, 4, 5, 6] == made
    assert outcome.conformity is Conformity.CONFORMS
