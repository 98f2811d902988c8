"""Name servers that filter a part of what they should, or only for a while."""

from __future__ import annotations

from probes.range.zone import ADDRESS, ZONE
from test_suites.calibration.hostile.knowledge import CONTENT_ADDRESS, OTHER_SITE
from test_suites.calibration.hostile.name_service import SILENCE, Question, Said
from test_suites.calibration.hostile.proxies_recognition import RECOGNISED
from test_suites.calibration.hostile.supplier import (
    CATEGORIES,
    DELAY,
    DRUGS,
    EVERYTHING,
    LISTED,
    OVERBLOCKING,
    SAME_BY_EVERY_WAY,
    UNDECIDED,
    name_server,
)

SINKHOLE = "10.10.10.10"
SLOW_RATE = 40
"""Questions a second that a small server answers."""


def all_but(question: Question, is_passed: bool) -> Said:
    """Filter rightly, but answer a harmful name truly where the supplier does so."""
    return question.truth() if question.is_harmful and is_passed else question.rightly()


@name_server("Filters the sentinels and nothing else.")
def names_only_the_sentinels(question: Question) -> Said:
    return all_but(question, is_passed=True)


@name_server("Denies only the names that were agreed for the test.",
             breaks={DRUGS, CATEGORIES})  # fmt: skip
def names_only_agreed(question: Question) -> Said:
    return all_but(question, question.known is not None and question.known.kind != "agreed")


@name_server("Does not block one of two categories at all.", breaks={CATEGORIES})
def names_category_missing(question: Question) -> Said:
    return all_but(question, question.known is not None and question.known.category == "MALW")


@name_server("Does not block one entry of the illegal list.", breaks={LISTED})
def names_entry_missing(question: Question) -> Said:
    return all_but(question, question.host.startswith("ill-csam-003."))


@name_server("Denies the first query for each harmful name, and answers all later ones.",
             breaks=UNDECIDED)  # fmt: skip
def first_question_denied(question: Question) -> Said:
    return all_but(question, question.service.seen[question.way] > 1)


@name_server("Does not answer the first query for each harmful name, and answers all later ones.")  # fmt: skip
def first_question_silent(question: Question) -> Said:
    if question.is_harmful and question.service.seen[question.way] == 1:
        return SILENCE
    return all_but(question, is_passed=True)


@name_server("Denies each harmful name every other time, with a time to live of 0.",
             breaks=UNDECIDED)  # fmt: skip
def flapping(question: Question) -> Said:
    return all_but(question, question.service.seen[question.way] % 2 == 0)


@name_server("Denies harmful names in two of three queries.",
             breaks=UNDECIDED)  # fmt: skip
def denied_two_of_three(question: Question) -> Said:
    return all_but(question, question.service.seen[question.way] % 3 == 0)


@name_server("Gives harmful names a second address of the origin, as if it were a sinkhole.")  # fmt: skip
def sinkhole_with_content(question: Question) -> Said:
    if question.is_harmful and question.type == "A":
        return question.records(CONTENT_ADDRESS)
    return question.rightly()


@name_server("Gives harmful names the origin's address under another name (CNAME).")
def alias_to_content(question: Question) -> Said:
    if not question.is_harmful or question.type != "A":
        return question.rightly()
    response = question.blank()
    question.add(response, question.host, "CNAME", OTHER_SITE)
    question.add(response, OTHER_SITE, "A", ADDRESS)
    return question.message(response)


@name_server("Gives harmful names two addresses: a sinkhole, and the origin's.",
             breaks=UNDECIDED)  # fmt: skip
def two_addresses(question: Question) -> Said:
    if question.is_harmful and question.type == "A":
        return question.records(SINKHOLE, ADDRESS)
    return question.rightly()


@name_server("Filters only A queries; AAAA gives the origin's address.",
             breaks=UNDECIDED, wiring="names-dual")  # fmt: skip
def only_a(question: Question) -> Said:
    return all_but(question, question.type != "A")


@name_server("Filters only AAAA queries; A gives the origin's address.",
             breaks=UNDECIDED, wiring="names-dual")  # fmt: skip
def only_aaaa(question: Question) -> Said:
    return all_but(question, question.type != "AAAA")


@name_server("Answers A correctly, but AAAA with an address of its own, for names that should pass.",
             breaks={OVERBLOCKING}, wiring="names-dual")  # fmt: skip
def wrong_aaaa(question: Question) -> Said:
    known = question.known
    if question.type == "AAAA" and known is not None and known.kind == "ordinary":
        return question.records("fd00::1")
    return question.rightly()


@name_server("Filters only UDP; over TCP it gives the true answer.", wiring="names-udp-tcp")
def only_udp(question: Question) -> Said:
    return all_but(question, question.over == "tcp")


@name_server("Truncates its answers for harmful names over UDP, and gives the true answer over TCP.")  # fmt: skip
def truncated_to_tcp(question: Question) -> Said:
    if question.is_harmful and question.over == "udp":
        return question.truncated()
    return all_but(question, is_passed=True)


@name_server("Filters nothing but the sentinels, and answers SERVFAIL under load.")
def servfail_under_load(question: Question) -> Said:
    if question.service.rate() > SLOW_RATE and not question.is_sentinel:
        return question.failed("SERVFAIL")
    return all_but(question, is_passed=True)


@name_server("Filters nothing but the sentinels, and answers REFUSED under load.")
def refused_under_load(question: Question) -> Said:
    if question.service.rate() > SLOW_RATE and not question.is_sentinel:
        return question.failed("REFUSED")
    return all_but(question, is_passed=True)


@name_server("Filters nothing but the sentinels, and drops queries under load.")
def silent_under_load(question: Question) -> Said:
    if question.service.rate() > SLOW_RATE and not question.is_sentinel:
        return SILENCE
    return all_but(question, is_passed=True)


@name_server("Denies harmful names only under load.",
             breaks=UNDECIDED)  # fmt: skip
def denies_under_load(question: Question) -> Said:
    return all_but(question, question.service.rate() <= SLOW_RATE)


@name_server("Denies harmful names only when it gets few queries.",
             breaks=UNDECIDED)  # fmt: skip
def denies_when_idle(question: Question) -> Said:
    return all_but(question, question.service.rate() > SLOW_RATE)


@name_server("Filters nothing but the sentinels, and drops every third query.")
def loses_every_third(question: Question) -> Said:
    if question.service.total % 3 == 0 and not question.is_sentinel:
        return SILENCE
    return all_but(question, is_passed=True)


@name_server("Filters nothing but the sentinels, and stops even that after 80 queries.",
             breaks=EVERYTHING)  # fmt: skip
def names_off_half_way(question: Question) -> Said:
    is_on = question.service.total <= 80
    return question.rightly() if is_on else question.truth()


@name_server("Denies every name except the sentinel that should pass.",
             breaks={OVERBLOCKING, DELAY})  # fmt: skip
def denies_all_but_the_sentinel(question: Question) -> Said:
    return question.rightly() if question.is_sentinel else question.failed("NXDOMAIN")


@name_server("Denies every name.", breaks=EVERYTHING,
             only="The sentinel that should pass is denied too, so nothing shows that the line works.")  # fmt: skip
def denies_everything(question: Question) -> Said:
    return question.failed("NXDOMAIN")


@name_server("Answers every name with one address of its own.", breaks=EVERYTHING,
             only="The sentinel that should pass gets that address too, so nothing shows that the line works.")  # fmt: skip
def one_address_for_all(question: Question) -> Said:
    return question.records(SINKHOLE) if question.type == "A" else question.truth()


@name_server("Filters nothing but the sentinels, and gives an address for names that do not exist.")
def wildcard(question: Question) -> Said:
    if not question.service.names.has(question.host):
        return question.records(ADDRESS) if question.type == "A" else question.message()
    return all_but(question, is_passed=True)


@name_server("Filters only names of the test's zone.", breaks=EVERYTHING, only=RECOGNISED)
def names_know_our_zone(question: Question) -> Said:
    return question.rightly() if question.host.endswith(ZONE) else question.truth()


@name_server("Filters only names whose address is that of the test's origin.",
             breaks=EVERYTHING, only=RECOGNISED)  # fmt: skip
def names_know_our_origin(question: Question) -> Said:
    names = question.service.names
    is_ours = names.has(question.host) and names.address_of(question.host) == ADDRESS
    return question.rightly() if is_ours else question.truth()


@name_server("Filters only queries that look like those of the test's own client.",
             breaks=EVERYTHING, only=RECOGNISED)  # fmt: skip
def names_know_our_client(question: Question) -> Said:
    query = question.query
    look = (query.flags, query.edns, query.payload, len(query.options))
    looks = question.service.memory.setdefault("looks", set())
    if question.is_sentinel:
        looks.add(look)
    return question.rightly() if look in looks else question.truth()


@name_server("Denies A, and gives the content at another address of its own to AAAA.",
             breaks=UNDECIDED, wiring="names-dual")  # fmt: skip
def content_by_aaaa(question: Question) -> Said:
    if question.is_harmful and question.type == "AAAA":
        return question.records(f"::ffff:{CONTENT_ADDRESS}")
    return question.rightly()


@name_server("Gives harmful names two addresses of its own: one without a server, and one with the content.",
             breaks=UNDECIDED)  # fmt: skip
def dead_and_living_address(question: Question) -> Said:
    if question.is_harmful and question.type == "A":
        return question.records("127.0.0.99", CONTENT_ADDRESS)
    return question.rightly()


@name_server("Gives the content's address for a harmful name first, and then one without a server.", by_chance={SAME_BY_EVERY_WAY})  # fmt: skip
def content_first(question: Question) -> Said:
    if question.is_harmful and question.type == "A":
        is_first = question.service.seen[question.way] % 2 == 1
        return question.records(CONTENT_ADDRESS if is_first else "127.0.0.99")
    return question.rightly()
