"""Whole campaigns over real products, whose own logs are read and joined with the requests."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from harness.estimate.log_metrics import MARKED, UNMARKED
from harness.model.facts import WebFacts
from harness.model.outcome import Conformity
from harness.model.service_log import LoggedRequest
from probes.range.testbed import RangeTestbed, running
from test_suites.kit.processes.product import LOOPBACK, require
from test_suites.products.blocklist import BlockList
from test_suites.products.log_campaign import (
    MEASURED,
    LogCampaign,
    conformities,
    key_of,
    outcome,
    parts,
    recorded,
    sent,
)
from test_suites.products.measured import SENTINEL
from test_suites.products.squid import Reply, Squid
from test_suites.products.tampered_log import tampered
from test_suites.products.test_logs import LoggingE2Guardian, LoggingUnbound
from test_suites.products.unbound import Reply as DnsReply

REQUESTS = 700
USERS = {"pupils": "pupil 7", "staff": "zoë"}
BY_NAME = {"users": USERS, "computers": {"line": LOOPBACK}, "clock_error": 10}
BY_ADDRESS = {"who": "address", "users": {"pupils": LOOPBACK}, "computers": {"line": LOOPBACK}}
CATEGORY = "gambling"
TOKYO = ZoneInfo("Asia/Tokyo")
NATIVE = "%ts.%03tu %6tr %>a %Ss/%03>Hs %<st %rm %ru %[un %Sh/%<a %mt"
CONFORMS, FAILS, OPEN = Conformity.CONFORMS, Conformity.DOES_NOT_CONFORM, Conformity.INSUFFICIENT
FAILED = re.compile(r"\*NETERROR\*|Failed to negotiate ssl")
"""What e2guardian logs where it did not reach its upstream, or did not open TLS."""
ALL_CONFORM = dict.fromkeys(MEASURED, CONFORMS)

pytestmark = pytest.mark.timeout(240)


class SignedInSquid(Squid):
    """Squid for users who sign in, with two more logs: categories, and a header that holds tokens."""

    def _house(self) -> list[str]:
        here, note = self.folder.path, '"%{category}note"'
        return [
            *super()._house(),
            f"logformat longer {NATIVE} %>st {note}",
            f"access_log stdio:{here}/longer.log longer",
            f'logformat headers {NATIVE} {note} "%{{Authorization}}>h"',
            f"access_log stdio:{here}/headers.log headers",
            "strip_query_terms off",
            "auth_param basic program /usr/lib/squid/basic_fake_auth",
            "acl named proxy_auth REQUIRED",
        ]

    def _rules(self) -> list[str]:
        return ["http_access deny !named", *super()._rules(), f"note category {CATEGORY} listed"]


class CategoryE2Guardian(LoggingE2Guardian):
    """e2guardian with its default log, and a list that has a category."""

    form, dash = "1", "on"

    def _list_hosts(self) -> None:
        hosts = [host for denied in self.lists for host in denied.hosts]
        content = [f'#listcategory: "{CATEGORY}"', *hosts, ""]
        self.folder.write("etc/lists/example.group/bannedsitelist", "\n".join(content))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A campaign whose requests went through a product, and the product's logs, by their names."""

    campaign: LogCampaign
    logs: dict[str, Path]


def keep(campaign: LogCampaign, folder: Path, *logs: Path) -> Sent:
    """Copy logs of a product."""
    kept = {log.stem: Path(shutil.copy(log, folder / f"product-{log.name}")) for log in logs}
    return Sent(campaign=campaign, logs=kept)


@contextmanager
def started(factory: pytest.TempPathFactory, *products: str) -> Iterator[tuple[RangeTestbed, Path]]:
    """A range in a folder, if the products are here; they see the time of Tokyo."""
    require(*products)
    folder = factory.mktemp("campaign")
    with pytest.MonkeyPatch.context() as patched, running(folder) as world:
        patched.setenv("TZ", TOKYO.key)
        yield world, folder


def listed(reply: str) -> list[BlockList]:
    """What every product here blocks: the agreed host."""
    return [BlockList(name="listed", hosts=(SENTINEL,), reply=reply)]


@pytest.fixture(scope="module")
def through_squid(tmp_path_factory: pytest.TempPathFactory) -> Sent:
    """Requests of two users through Squid, and its three logs."""
    with started(tmp_path_factory, "squid") as (world, folder):
        squid = SignedInSquid(world.origin, listed(Reply.PAGE), {"all": ["listed"]})
        with squid:
            signed_in = {
                name: {"proxy": squid.proxy("all"), "username": user, "password": "secret"}
                for name, user in USERS.items()
            }
            line = {"name": "line", "type": "explicit_proxy", "by_profile": signed_in}
            campaign = sent(folder, line, BY_NAME, REQUESTS, profiles=USERS)
            logs = [squid.folder.path / f"{name}.log" for name in ("access", "longer", "headers")]
            for log in logs:
                campaign.wait_for(log)
            return keep(campaign, folder, *logs)


@pytest.mark.product("squid")
def test_a_log_of_squid_lacks_the_category_of_a_block_alone(
    through_squid: Sent, tmp_path: Path
) -> None:
    """Right: Squid's own format states who, what, when, which computer and the result, no category."""
    campaign = through_squid.campaign.copied(tmp_path)
    run = campaign.read(through_squid.logs["access"], "squid-log")
    requests = campaign.requests()

    assert len(requests) >= REQUESTS * len(USERS)
    for profile in USERS:
        own = [one for one in requests if one.profile == profile]
        blocks = {one.item for one in own if one.state == "blocked"}
        assert ALL_CONFORM | {"LOG-02": FAILS} == conformities(run, profile)
        assert len(own) == recorded(outcome(run, "LOG-01", profile))

        wrong = outcome(run, "LOG-02", profile)
        assert {one.item for one in own if one.case == "blocked"} == blocks
        assert len(blocks) == wrong.metric.k
        assert set(parts(wrong).values()) == {0}
        assert blocks == {one.item for one in wrong.witnesses}
        assert {one.saw for one in wrong.witnesses} == {
            ("category of a block: the log shows none, it was a block",)
        }


@pytest.mark.product("squid")
def test_a_log_of_squid_with_categories_conforms(through_squid: Sent, tmp_path: Path) -> None:
    campaign = through_squid.campaign.copied(tmp_path)
    run = campaign.read(through_squid.logs["longer"], "squid-log")

    for profile in USERS:
        assert ALL_CONFORM == conformities(run, profile)
    for one in campaign.requests():
        blocked = CATEGORY if one.state == "blocked" else ""
        assert {blocked} == {entry.category for entry in one.entries}, one


@pytest.mark.product("squid")
def test_a_log_of_squid_without_queries_shows_no_searches(
    through_squid: Sent, tmp_path: Path
) -> None:
    """Squid cuts queries off after the question mark, unless ``strip_query_terms off`` is set."""
    campaign, log = through_squid.campaign.copied(tmp_path), tmp_path / "stripped.log"
    log.write_bytes(re.sub(rb"\?\S+", b"?", through_squid.logs["longer"].read_bytes()))
    run = campaign.read(log, "squid-log")

    for profile in USERS:
        cut = {
            one.item
            for one in campaign.requests()
            if one.profile == profile and "?" in one.url and not one.url.startswith("https")
        }
        wrong, classes = outcome(run, "LOG-02", profile), outcome(run, "LOG-04", profile)
        assert (FAILS, FAILS) == (wrong.conformity, classes.conformity)
        assert {"what": len(cut)} == {words: k for words, k in parts(wrong).items() if k}
        assert cut == {one.item for one in wrong.witnesses}
        assert ["search terms"] == [words for words, k in parts(classes).items() if k]


@pytest.mark.product("squid")
def test_a_log_of_squid_that_holds_a_header_holds_its_tokens(
    through_squid: Sent, tmp_path: Path
) -> None:
    campaign, log = through_squid.campaign.copied(tmp_path), through_squid.logs["headers"]
    run = campaign.read(log, "squid-log")
    lines, requests = log.read_text().splitlines(), {one.item: one for one in campaign.requests()}

    for profile in USERS:
        assert ALL_CONFORM | {"LOG-06": FAILS} == conformities(run, profile)
        found = outcome(run, "LOG-06", profile)
        forms = {
            each.item
            for each in requests.values()
            if (each.profile, each.case) == (profile, "secret")
        }
        assert len(forms) == found.metric.k
        assert forms == {one.item for one in found.witnesses}
        for one in found.witnesses:
            (words,) = one.saw
            said = re.fullmatch(r"token, line (\d+) of the log", words)
            assert said
            assert key_of(one.value) in lines[int(said[1]) - 1]


@pytest.mark.product("squid")
def test_what_was_done_to_a_log_of_squid_is_reported_with_its_figures(
    through_squid: Sent, tmp_path: Path
) -> None:
    campaign = through_squid.campaign.copied(tmp_path)
    whole = through_squid.logs["longer"].read_bytes()
    done = tampered(whole, campaign.requests(), USERS["pupils"], "visitor", random.Random(7))
    log = tmp_path / "tampered.log"
    log.write_bytes(done.content)
    run = campaign.read(log, "squid-log")
    requests = campaign.requests()

    for profile in USERS:
        own = {one.item: one.case.startswith("plain") for one in requests if one.profile == profile}
        missing = done.missing & own.keys()
        found = outcome(run, "LOG-01", profile)
        assert found.conformity is FAILS
        assert len(own) - len(missing) == recorded(found)
        assert missing == {one.item for one in found.witnesses}
        for part in found.metric.parts:
            gone = [item for item in missing if own[item] is (part.group == UNMARKED)]
            assert len(gone) == part.metric.n - (part.metric.k or 0) >= 5
        assert {MARKED, UNMARKED} == set(parts(found))

        clock = outcome(run, "LOG-03", profile)
        assert clock.conformity is FAILS
        said = re.search(r"the log's clock is \+(\d+\.\d) s off", clock.metric.method)
        assert said
        assert float(said[1]) == pytest.approx(7, abs=0.3)
        assert outcome(run, "LOG-04", profile).conformity is CONFORMS

    wrong, secrets = outcome(run, "LOG-02"), outcome(run, "LOG-06")
    assert (FAILS, 2) == (wrong.conformity, wrong.metric.k)
    assert {"who": 2} == {words: k for words, k in parts(wrong).items() if k}
    assert done.misnamed == {one.item for one in wrong.witnesses}
    assert {("who: the log shows visitor, it was pupil 7",)} == {one.saw for one in wrong.witnesses}
    assert (FAILS, 1) == (secrets.conformity, secrets.metric.k)
    assert [(done.secret, (f"password, line {done.line} of the log",))] == [
        (one.item, one.saw) for one in secrets.witnesses
    ]
    staff = [one.item for one in requests if (one.profile, one.case) == ("staff", "secret")]
    unseen = done.missing & set(staff)  # whether their secrets are in lost lines is not known
    of_staff = outcome(run, "LOG-02", "staff")
    # A busy machine may log a request seconds after its end; all other fields are right.
    wrong_of_staff = {words for words, k in parts(of_staff).items() if k} - {"when"}
    assert wrong_of_staff == set()
    assert of_staff.conformity in (CONFORMS, OPEN)
    assert outcome(run, "LOG-06", "staff").conformity is (OPEN if unseen else CONFORMS)


@pytest.mark.product("e2guardian", "squid", "openssl")
def test_a_block_that_e2guardian_sends_as_200_and_logs_as_403_is_no_fault(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    products = ("e2guardian", "squid", "openssl")
    with started(tmp_path_factory, *products) as (world, folder):
        guardian = CategoryE2Guardian(world.origin, listed("page"))
        with guardian:
            options = {
                "proxy": guardian.proxy,
                "authority": str(guardian.authority.certificate),
            }
            line = {"name": "line", "type": "explicit_proxy", "options": options}
            campaign = sent(folder, line, BY_ADDRESS, REQUESTS, concurrency=8)
            campaign.wait_for_items(guardian.folder.path / "access.log")
            held = keep(campaign, folder, guardian.folder.path / "access.log")

    log = held.logs["access"]
    run = campaign.read(log, "e2guardian-log", TOKYO)
    pages, requests = campaign.observed("line"), campaign.requests()
    failed, lost = mishaps(log, requests)

    assert len(failed | lost) <= len(requests) / 50
    for one in requests:
        if one.case == "blocked" and one.item not in failed | lost:
            facts = pages[one.item].facts
            assert isinstance(facts, WebFacts)
            assert ("blocked", 200) == (one.state, facts.status)
            assert {("blocked", 403, CATEGORY)} == {
                (each.verdict, each.status, each.category) for each in one.entries
            }
    assert {one.item for one in outcome(run, "LOG-01").witnesses} <= lost
    assert {one.item for one in outcome(run, "LOG-02").witnesses} <= failed
    if not failed | lost:
        assert len(requests) == recorded(outcome(run, "LOG-01"))
        assert ALL_CONFORM == conformities(run)


def mishaps(log: Path, requests: Iterable[LoggedRequest]) -> tuple[set[str], set[str]]:
    """The requests in which e2guardian itself failed, and those that it did not log.

    Now and then under load it does not reach its upstream, and sends the page of a block although
    nothing is listed; or it crashes and loses what it had not written.
    """
    lines = log.read_text(errors="replace").splitlines()
    whole, wrong = "\n".join(lines), "\n".join(line for line in lines if FAILED.search(line))
    return (
        {one.item for one in requests if key_of(one.url) in wrong},
        {one.item for one in requests if key_of(one.url) not in whole},
    )


@pytest.mark.product("unbound")
def test_a_log_of_unbound_shows_each_name_and_who_asked(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Right: Unbound says what it does with a listed name, and nothing of names that it answers."""
    with started(tmp_path_factory, "unbound") as (world, folder):
        unbound = LoggingUnbound(world.origin, listed(DnsReply.NXDOMAIN), {"all": ["listed"]})
        with unbound:
            options = {"server": unbound.server("all")}
            line = {"name": "line", "type": "resolver", "probes": ["dns"], "options": options}
            campaign = sent(folder, line, BY_ADDRESS, REQUESTS)
            campaign.wait_for(unbound.folder.path / "console.log")
            held = keep(campaign, folder, unbound.folder.path / "console.log")

    run = campaign.read(held.logs["console"], "unbound-log")
    requests = campaign.requests()
    allowed = {one.item for one in requests if one.state == "allowed"}

    assert {"name", "plain-name", "blocked-name"} == {one.case for one in requests}
    assert not [one.url for one in requests if "/" in one.url]
    assert len(requests) == recorded(outcome(run, "LOG-01"))
    assert {
        "LOG-01": CONFORMS, "LOG-02": FAILS, "LOG-03": CONFORMS,
        "LOG-04": FAILS, "LOG-06": OPEN, "CIR-13": OPEN,
    } == conformities(run)  # fmt: skip
    wrong = outcome(run, "LOG-02")
    assert {"blocked or allowed": len(allowed)} == {
        words: k for words, k in parts(wrong).items() if k
    }
    for one in wrong.witnesses:
        said = "category of a block: the log shows none, it was a block"
        if one.item in allowed:
            said = "blocked or allowed: the log shows nothing, it was allowed"
        assert (said,) == one.saw
    assert len(requests) == len(wrong.witnesses) == wrong.metric.k
