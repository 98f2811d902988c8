"""Where a page leads to, as a browser reads it."""

from __future__ import annotations

import httpx
import pytest

from probes.clients.page_links import Step, read_links

HERE = "http://site.test/dir/page?a=1"


def page(body: str, **headers: str) -> httpx.Response:
    request = httpx.Request("GET", HERE)
    fields = {"content-type": "text/html", **headers}
    return httpx.Response(200, headers=fields, text=body, request=request)


def steps(body: str, **headers: str) -> list[str]:
    """The steps of a page, those by POST with their fields."""
    found = read_links(page(body, **headers)).steps
    return [url if fields is None else f"POST {url} {fields}" for url, fields in found]


def test_a_host_is_told_in_lower_case() -> None:
    assert "site.test" == Step("http://Site.TEST/").host


def test_what_a_browser_fetches_for_a_page() -> None:
    body = (
        '<script src="a.js"></script><img src="/b.png"><link rel="stylesheet" href="c.css">'
        '<link rel="icon" href="d.ico"><link rel="next" href="e"><img src="data:x">'
    )
    found = ("dir/a.js", "b.png", "dir/c.css", "dir/d.ico")

    assert (
        tuple(f"http://site.test/{each}" for each in found) == read_links(page(body)).subresources
    )


def test_own_steps_come_before_those_to_other_hosts() -> None:
    body = (
        '<a href="http://other.test/1">1</a><a href="/2">2</a><form action="//other.test/3"></form>'
        '<form action="/4"></form><iframe src="http://other.test/5"></iframe>'
        '<a href="mailto:x@site.test">x</a><a href="http://[">y</a><map><area href="6#top"></map>'
    )
    assert [
        "http://other.test/5",
        "http://site.test/4",
        "http://site.test/2",
        "http://site.test/dir/6",
        "http://other.test/3",
        "http://other.test/1",
    ] == steps(body)


def test_a_refresh_is_followed_from_the_header_and_from_the_page() -> None:
    body = '<meta http-equiv="refresh" content="0; url=/two">'

    assert ["http://site.test/one", "http://site.test/two"] == steps(body, refresh="0; url=/one")


@pytest.mark.parametrize(
    ("base", "address"),
    [
        ("/x/", "http://site.test/x/"),
        ("http://other.test/y/z", "http://other.test/y/"),
        ("data:text/html,", "http://site.test/dir/"),
    ],
)
def test_addresses_are_relative_to_the_first_base_element(base: str, address: str) -> None:
    body = f'<base href="{base}"><base href="/never/"><a href="q">q</a>'

    assert [f"{address}q"] == steps(body)


def test_a_form_without_an_address_is_sent_to_the_page_whatever_its_base() -> None:
    body = '<base href="/x/"><form><input name="b" value="2"></form>'

    assert ["http://site.test/dir/page?b=2"] == steps(body)


FIELD = '<input type="hidden" name="b" value="2 3">'


def test_each_button_of_a_form_is_pressed_by_itself() -> None:
    body = (
        f'<form action="/go">{FIELD}<button>Back</button><button type="button" name="no">x</button>'
        '<button name="c" value="1" formaction="/on">On</button><input type="reset" name="d">'
        '<input type="submit" name="e" value="2" formmethod="post"></form>'
    )
    assert [
        "POST http://site.test/go b=2+3&e=2",
        "http://site.test/go?b=2+3",
        "http://site.test/on?b=2+3&c=1",
    ] == steps(body)


POST = '<form method="POST" action="{}">{}</form>'


def test_a_form_that_asks_nothing_is_sent_by_post_to_another_host_too() -> None:
    assert ["POST http://other.test/go b=2+3"] == steps(POST.format("//other.test/go", FIELD))


@pytest.mark.parametrize(
    "asked",
    [
        '<input name="why">',
        '<input type="email" name="who">',
        '<textarea name="why"></textarea>',
        '<select name="why"><option>it is</option></select>',
    ],
)
def test_a_form_that_asks_something_is_sent_by_post_to_its_own_host_alone(asked: str) -> None:
    assert [] == steps(POST.format("http://other.test/appeal", FIELD + asked))
    assert 1 == len(steps(POST.format("/appeal", FIELD + asked)))


def test_a_password_is_never_sent() -> None:
    login = f'{FIELD}<input type="PassWord" name="p" value="secret">'

    assert [] == steps(POST.format("/in", login))
    assert ["http://site.test/in?b=2+3"] == steps(f'<form action="/in">{login}</form>')
