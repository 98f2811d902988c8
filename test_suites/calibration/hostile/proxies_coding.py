"""Proxies that send the page in an unusual coding or character set."""

from __future__ import annotations

import codecs
import gzip
import zlib

import brotli

from harness.untrusted.zstandard_frames import zstd
from test_suites.calibration.hostile.http_message import Answer
from test_suites.calibration.hostile.supplier import page
from test_suites.calibration.hostile.web_call import Call


@page("Compresses the page with Brotli.")
def brotli_coding(answer: Answer, _: Call) -> Answer:
    return answer.with_body(brotli.compress(answer.body), Content_Encoding="br")


@page("Compresses the page with Zstandard.")
def zstd_coding(answer: Answer, _: Call) -> Answer:
    return answer.with_body(zstd.compress(answer.body), Content_Encoding="zstd")


@page("Compresses the page with gzip twice, and declares it.")
def double_gzip(answer: Answer, _: Call) -> Answer:
    twice = gzip.compress(gzip.compress(answer.body, 1), 1)
    return answer.with_body(twice, Content_Encoding="gzip, gzip")


@page("Compresses the page with gzip inside Brotli, and declares it.")
def gzip_in_brotli(answer: Answer, _: Call) -> Answer:
    return answer.with_body(
        brotli.compress(gzip.compress(answer.body, 1)), Content_Encoding="gzip, br"
    )


@page("Compresses the page with gzip under its old name x-gzip.")
def old_gzip_name(answer: Answer, _: Call) -> Answer:
    return answer.with_body(gzip.compress(answer.body, 1), Content_Encoding="X-GZIP")


@page("Compresses the page with gzip in two members, one after the other.")
def gzip_in_two_members(answer: Answer, _: Call) -> Answer:
    first = gzip.compress(b"<!-- -->", 1)
    return answer.with_body(first + gzip.compress(answer.body, 1), Content_Encoding="gzip")


@page("Compresses the page with raw deflate, without the zlib header that the coding requires.")
def bare_deflate(answer: Answer, _: Call) -> Answer:
    squeeze = zlib.compressobj(1, zlib.DEFLATED, -15)
    body = squeeze.compress(answer.body) + squeeze.flush()
    return answer.with_body(body, Content_Encoding="deflate")


@page("Compresses the page with gzip without declaring it.")
def undeclared_gzip(answer: Answer, _: Call) -> Answer:
    return answer.with_body(gzip.compress(answer.body, 1))


@page("Declares an unknown coding, but sends the page uncompressed.")
def unknown_coding_of_plain_page(answer: Answer, _: Call) -> Answer:
    return answer.with_body(answer.body, Content_Encoding="x-school")


@page(
    "Sends the page in a coding that only the supplier's own client knows.",
    only="The coding cannot be read, so neither the page nor a block was seen.",
)
def unknown_coding(answer: Answer, _: Call) -> Answer:
    body = bytes(each ^ 0x5A for each in answer.body)
    return answer.with_body(body, Content_Encoding="x-school")


@page("Declares gzip, but sends the page uncompressed.")
def gzip_that_is_none(answer: Answer, _: Call) -> Answer:
    return answer.with_body(answer.body, Content_Encoding="gzip")


@page("Sends the page in UTF-16.")
def utf_16(answer: Answer, _: Call) -> Answer:
    body = codecs.BOM_UTF16_LE + answer.text.replace("utf-8", "utf-16").encode("utf-16-le")
    return answer.with_body(body, Content_Type="text/html; charset=utf-16")


@page("Names a character set that does not exist.")
def invented_charset(answer: Answer, _: Call) -> Answer:
    return answer.with_body(answer.body, Content_Type="text/html; charset=x-klingon")


@page("Puts NUL bytes and bytes that are not UTF-8 between the words of the page.")
def nul_bytes(answer: Answer, _: Call) -> Answer:
    return answer.with_body(answer.body.replace(b" ", b" \x00\xff ").replace(b"<p>", b"\x00<p>"))


@page(
    "Sends 30 KiB of gzip that become 30 MiB, in which the page's words come last.",
    only="Only the first 4 MiB of decoded text are read.",
)
def decompression_bomb(answer: Answer, _: Call) -> Answer:
    return answer.with_body(BOMB + gzip.compress(answer.body, 1), Content_Encoding="gzip")


@page(
    "Sends a gzip bomb inside a gzip bomb.",
    only="Only the first 4 MiB of decoded text are read.",
)
def nested_bomb(answer: Answer, _: Call) -> Answer:
    return answer.with_body(NESTED + gzip.compress(answer.body), Content_Encoding="gzip, gzip")


BOMB = gzip.compress(b" " * (30 * 1024 * 1024), 9)
NESTED = gzip.compress(gzip.compress(BOMB, 9) * 3, 9)
