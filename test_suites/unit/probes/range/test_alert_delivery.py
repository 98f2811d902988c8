"""Alerts leave the range by mail and to a webhook, from each of the filter's services."""

from __future__ import annotations

import json
import socket
import ssl
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from probes.range.alert_delivery import AlertMessage, AlertSender, AlertSettings
from probes.range.faults import Fault, FaultKind
from probes.range.monitoring import Monitor
from probes.range.pending_entry import Asker
from probes.range.testbed import running
from probes.range.user_proxy import RangeUser, UserDirectory
from probes.receivers.mailbox import alert_of_mail
from test_suites.kit.networks.alert_receiving import (
    HOST,
    MARKER,
    SETTINGS,
    WAIT,
    MovedTime,
    receiving,
    search,
)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"alert_mail": ""}, "alerts need 'alert_mail' .* or 'webhook'"),
        ({"alert_mail": "a b:c"}, "alert_mail"),
        ({"webhook": "ftp://a.test/"}, "webhook"),
        ({"webhook": "http://"}, "webhook"),
        ({"webhook": "http://[1/"}, "webhook"),
        ({"recipients": {"ks2": "nobody"}}, "recipients ks2: 'nobody' is no mail address"),
        ({"operator": "a@b\r\nBcc: c@d"}, "operator"),
        ({"escalate_to": "a"}, "escalate_to"),
        ({"escalate_after": 0.0}, "escalate_after"),
        ({"notices_after": float("nan")}, "notices_after"),
        ({"notices_after": float("inf")}, "notices_after"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        AlertSettings(**{**SETTINGS, **change})


@given(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=200),
    st.binary(max_size=300),
    st.text(st.characters(), max_size=50),
)
def test_any_request_and_user_make_a_whole_mail(query: str, body: bytes, user: str) -> None:
    time, sent = MovedTime(), list[AlertMessage]()
    monitor = Monitor(AlertSettings(**SETTINGS), sent.append, time.later, clock=time.clock)
    asked = search(f"?q={MARKER}&x={query}", body)
    monitor.examine(
        asked, Asker(client="::1", user=user, profile="ks2", service="proxy"), asked.target
    )

    (message,) = sent
    received = alert_of_mail(message.as_mail().as_bytes(), at=time.now)
    assert message.subject == received.subject
    assert f"Category: {message.fields['category']}" in received.text
    assert 10 == received.text.count("\n") + 1
    json.dumps(message.as_json()).encode()


def test_mail_and_webhook_get_each_alert_through_proxy_users_and_gateway(tmp_path: Path) -> None:
    users = UserDirectory(users={"ann": RangeUser(profile="ks2", password="p")})
    with receiving() as inbox:
        settings = AlertSettings(**{**SETTINGS, "alert_mail": inbox.mail, "webhook": inbox.web})
        options: dict[str, Any] = {"alerts": settings, "users": users}
        with running(tmp_path, gateway=True, opens_tls=True, **options) as world:
            services = world.origin.services["reference"]
            url = f"http://{HOST}/search?q={MARKER}"
            httpx.get(url, proxy=services["users"]["ann"], trust_env=False, timeout=WAIT)
            at = ("127.0.0.1", int(services["gateway"]["ks2"]["80"]))
            with socket.create_connection(at, timeout=WAIT) as sock:
                head = f"GET /search?q={MARKER.replace('HARM', 'ILL')} HTTP/1.1\r\nHost: {HOST}\r\n\r\n"
                sock.sendall(head.encode())
                sock.recv(1)
            alerts = inbox.wait_for(4)

    mails = sorted(each.text for each in alerts if each.channel == "mail")
    posts = {each.subject: each for each in alerts if each.channel == "web"}
    assert ["HARM", "ILL"] == [text.partition("Category: ")[2].split("\n")[0] for text in mails]
    assert ["ann (profile ks2)", "ks2 (profile ks2)"] == [
        text.partition("User:     ")[2].split("\n")[0] for text in mails
    ]
    assert {"Safeguarding alert 1: HARM", "Safeguarding alert 2: ILL"} == set(posts)
    assert ["urgent"] * 4 == [each.priority for each in alerts]
    assert {"dsl@school.test", "/alerts"} == {to for each in alerts for to in each.to}
    assert mails[0].strip() in posts["Safeguarding alert 1: HARM"].text


def test_a_gateway_sees_words_only_where_it_opens_tls(tmp_path: Path) -> None:
    """It opens what it blocks with a page, and nothing else."""
    blocked = "gamb-001.canary.accredit.test"
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    with receiving() as inbox:
        settings = AlertSettings(**{**SETTINGS, "alert_mail": inbox.mail})
        with running(tmp_path, gateway=True, alerts=settings) as world:
            at = ("127.0.0.1", int(world.origin.services["reference"]["gateway"]["ks2"]["443"]))
            for host in (HOST, blocked):
                with (
                    socket.create_connection(at, timeout=WAIT) as sock,
                    trust.wrap_socket(sock, server_hostname=host) as over_tls,
                ):
                    head = f"GET /?q={MARKER} HTTP/1.1\r\nHost: {host}\r\n\r\n"
                    over_tls.sendall(head.encode())
                    over_tls.recv(1)
    (alert,) = inbox.alerts
    assert f"Address:  https://{blocked}/?q={MARKER}" in alert.text


def test_the_range_notices_by_itself_that_its_filter_is_off(tmp_path: Path) -> None:
    with receiving() as inbox:
        settings = AlertSettings(**{**SETTINGS, "alert_mail": inbox.mail, "notices_after": 0.01})
        with running(tmp_path, alerts=settings) as world:
            world.faults.add(Fault(kind=FaultKind.OFF))
            (alert,) = inbox.wait_for(1)

    assert ("Operator alert: The filter is off", ("operator@isp.test",)) == (
        alert.subject,
        alert.to,
    )
    assert 1 == len(inbox.alerts)


def test_alerts_that_cannot_be_sent_stop_nothing_and_are_reported_once(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        reports: list[str] = []
        settings = AlertSettings(
            **{
                **SETTINGS,
                "alert_mail": f"127.0.0.1:{port}",
                "webhook": f"http://127.0.0.1:{port}/",
            }
        )
        with running(tmp_path, alerts=settings, report=reports.append) as world:
            proxy = world.origin.services["reference"]["proxy"]["ks2"]
            for _ in range(3):
                url = f"http://{HOST}/search?q={MARKER}"
                assert 200 == httpx.get(url, proxy=proxy, trust_env=False, timeout=WAIT).status_code

    assert 2 == len(reports)
    assert all("an alert was lost" in each for each in reports)


def test_a_sender_waits_for_what_is_on_its_way() -> None:
    with receiving() as inbox:
        sender = AlertSender(AlertSettings(**{**SETTINGS, "alert_mail": inbox.mail}))
        message = AlertMessage(at=MovedTime().now, to="a@b.test", subject="x", text="y")
        for _ in range(50):
            sender.send(message)
        assert sender.wait(WAIT)
        assert 50 == len(inbox.alerts)
        sender.send(message)
        sender.close()
        assert 51 == len(inbox.alerts)


def test_a_message_to_nobody_goes_to_the_webhook_alone() -> None:
    reports: list[str] = []
    with receiving() as inbox:
        settings = AlertSettings(**{**SETTINGS, "alert_mail": inbox.mail, "webhook": inbox.web})
        sender = AlertSender(settings, reports.append)
        sender.send(AlertMessage(at=MovedTime().now, to="", subject="x", text="y"))
        sender.close()

    assert (["web"], []) == ([alert.channel for alert in inbox.alerts], reports)
