"""A PAC script: its functions, its clock, its sandbox, and the names it wants."""

from __future__ import annotations

import calendar
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from probes.net.pac_script import SCRIPT_BYTES, Decision, Script, ScriptError

WEDNESDAY = calendar.timegm((2026, 11, 25, 10, 30, 15))
"""10:30:15 GMT."""


def script(body: str, now: float = WEDNESDAY) -> Script:
    return Script(f"function FindProxyForURL(url, host) {{ {body} }}", clock=lambda: now)


def ask(body: str, **known: str | None) -> Decision:
    names = {name.replace("_", "."): address for name, address in known.items()}
    host = "www.school.example"
    return script(body).decide(f"http://{host}/a?b", host, names, "10.1.2.3")


def value(expression: str) -> str:
    return ask(f"return String({expression})").answer


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("isPlainHostName('intranet')", "true"),
        ("isPlainHostName(host)", "false"),
        ("dnsDomainIs(host, '.school.example')", "true"),
        ("dnsDomainIs(host, '.other.example')", "false"),
        ("localHostOrDomainIs('www', 'www.school.example')", "true"),
        ("localHostOrDomainIs(host, 'www.school.example')", "true"),
        ("localHostOrDomainIs('home.school.example', 'www.school.example')", "false"),
        ("dnsDomainLevels(host)", "2"),
        ("shExpMatch(url, '*/a?b')", "true"),
        ("shExpMatch('http://www.x.example/', '*.x.example/*')", "true"),
        ("shExpMatch('wwwXexample', 'www.example')", "false"),
        ("shExpMatch('a(b)[c]', 'a(?)[[]c]')", "false"),
        ("shExpMatch('a(b)[c]', 'a(?)[c]')", "true"),
        ("myIpAddress()", "10.1.2.3"),
        ("isInNet('10.2.3.4', '10.0.0.0', '255.0.0.0')", "true"),
        ("isInNet('200.2.3.4', '200.2.0.0', '255.255.0.0')", "true"),
        ("isInNet('11.2.3.4', '10.0.0.0', '255.0.0.0')", "false"),
        ("isInNet('10.2.3.4', '10.0.0.0', 'all')", "false"),
        ("convert_addr('1.2.3.4')", "16909060"),
        ("dnsResolve('192.0.2.7')", "192.0.2.7"),
        ("alert('no box opens')", "undefined"),
    ],
)
def test_the_functions_of_hosts(expression: str, expected: str) -> None:
    assert expected == value(expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("weekdayRange('WED', 'GMT')", "true"),
        ("weekdayRange('MON', 'FRI', 'GMT')", "true"),
        ("weekdayRange('SAT', 'TUE', 'GMT')", "false"),
        ("weekdayRange('FRI', 'WED', 'GMT')", "true"),
        ("weekdayRange('NODAY', 'GMT')", "false"),
        ("dateRange(25, 'GMT')", "true"),
        ("dateRange(1, 24, 'GMT')", "false"),
        ("dateRange(28, 26, 'GMT')", "true"),
        ("dateRange('NOV', 'GMT')", "true"),
        ("dateRange('DEC', 'FEB', 'GMT')", "false"),
        ("dateRange(2026, 'GMT')", "true"),
        ("dateRange(2020, 2025, 'GMT')", "false"),
        ("dateRange(25, 'NOV', 'GMT')", "true"),
        ("dateRange(1, 'JUN', 30, 'NOV', 'GMT')", "true"),
        ("dateRange(1, 'JUN', 24, 'NOV', 'GMT')", "false"),
        ("dateRange('OCT', 2025, 'MAR', 2026, 'GMT')", "false"),
        ("dateRange(1, 'JUN', 2026, 15, 'DEC', 2026, 'GMT')", "true"),
        ("dateRange('NOMONTH', 'GMT')", "false"),
        ("dateRange(1, 2, 3, 'GMT')", "false"),
        ("dateRange()", "false"),
        ("timeRange(10, 'GMT')", "true"),
        ("timeRange(11, 'GMT')", "false"),
        ("timeRange(9, 10, 'GMT')", "true"),
        ("timeRange(10, 31, 11, 0, 'GMT')", "false"),
        ("timeRange(10, 0, 10, 30, 'GMT')", "true"),
        ("timeRange(10, 30, 16, 12, 0, 0, 'GMT')", "false"),
        ("timeRange(22, 0, 0, 10, 30, 15, 'GMT')", "true"),
        ("timeRange(1, 2, 3, 'GMT')", "false"),
    ],
)
def test_the_functions_of_time_read_the_clock_they_are_given(
    expression: str, expected: str
) -> None:
    assert expected == value(expression)


def test_a_name_is_wanted_until_it_is_known() -> None:
    body = "return isInNet(host, '10.0.0.0', '255.0.0.0') ? 'DIRECT' : 'PROXY a:1'"

    assert ("www.school.example",) == ask(body).wanted
    assert Decision(answer="DIRECT") == ask(body, www_school_example="10.9.9.9")
    assert Decision(answer="PROXY a:1") == ask(body, www_school_example="192.0.2.1")
    assert Decision(answer="PROXY a:1") == ask(body, www_school_example=None)


def test_stumbling_over_a_name_that_is_not_known_yet_is_no_error() -> None:
    body = "return 'PROXY ' + dnsResolve('P.Example').split('.')[0] + ':1'"

    assert ("p.example",) == ask(body).wanted
    assert "PROXY 10:1" == ask(body, p_example="10.0.0.1").answer
    with pytest.raises(ScriptError, match="TypeError"):
        ask(body, p_example=None)


@pytest.mark.parametrize("nothing", ["return null", "return undefined", "return ''", ""])
def test_nothing_is_an_answer(nothing: str) -> None:
    assert Decision(answer="") == ask(nothing)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("while (true) {}", "interrupted"),
        ("try { for (;;) {} } catch (e) {} return 'DIRECT'", "interrupted"),
        ("let held = []; while (true) held.push('x'.repeat(9999) + held.length)", "out of memory"),
        ("return FindProxyForURL(url, host)", "stack"),
        ("throw new Error('no')", "Error: no"),
        ("return 7", "no text"),
        ("return missing()", "missing is not defined"),
    ],
)
def test_what_goes_beyond_its_bounds_is_stopped_and_leaves_the_next_alone(
    body: str, says: str
) -> None:
    once = script(f"if (host === 'bad') {{ {body} }} return 'DIRECT'")

    with pytest.raises(ScriptError, match=says):
        once.decide("http://bad/", "bad", {}, "")
    assert Decision(answer="DIRECT") == once.decide("http://good/", "good", {}, "")


@pytest.mark.parametrize(
    "name",
    ["require", "process", "std", "os", "fetch", "XMLHttpRequest", "setTimeout", "print", "load",
     "module", "Deno", "ActiveXObject", "wanted", "known"],
)  # fmt: skip
def test_the_sandbox_holds_no_way_out(name: str) -> None:
    assert "undefined" == value(f"typeof {name}")


def test_no_module_can_be_loaded() -> None:
    with pytest.raises(ScriptError):
        Script("import * as os from 'os'; function FindProxyForURL() {}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("function FindProxyForURL( {", "SyntaxError"),
        ("var a = 1;", "no function FindProxyForURL"),
        ("<html>not found</html>", "SyntaxError"),
        ("a\0b", "null"),
        (" " * (SCRIPT_BYTES + 1), "larger than"),
    ],
)
def test_what_is_no_script_says_so(text: str, says: str) -> None:
    with pytest.raises(ScriptError, match=says):
        Script(text)


@given(host=st.text(max_size=30), url=st.text(max_size=60))
def test_any_host_and_url_come_back_as_they_went_in(host: str, url: str) -> None:
    body = "return escape(host) + ' ' + escape(url)"
    told = script(body).decide(url, host, {host: None}, "")

    assert 2 == len(told.answer.split(" "))


def test_without_the_engine_one_sentence_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "quickjs", None)

    with pytest.raises(UsageError, match=r"^a PAC file needs 'quickjs': pip install 'isp-acc"):
        script("")
