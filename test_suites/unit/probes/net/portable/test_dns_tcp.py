"""Messages come in any pieces and any order, and each finds its question."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from probes.net.portable.dns_stream import DnsTcp


@given(st.data(), st.lists(st.binary(max_size=40), min_size=1, max_size=6))
def test_messages_are_put_together_from_pieces(data: st.DataObject, rests: list[bytes]) -> None:
    async def talk() -> None:
        pipeline = DnsTcp()
        asked = [pipeline.ask(rest) for rest in rests]
        ids = list(pipeline._waiting)
        answers = [id_ + b"answer to " + rest for id_, rest in zip(ids, rests, strict=True)]
        framed = data.draw(st.permutations([b"\0" + bytes((len(one),)) + one for one in answers]))
        stream = b"".join(framed)
        size = data.draw(st.integers(min_value=1, max_value=50))
        for place in range(0, len(stream), size):
            pipeline.data_received(stream[place : place + size])

        assert [await each for each in asked] == answers

    asyncio.run(talk())


async def test_a_question_goes_out_after_its_length_and_with_an_id_of_its_own() -> None:
    pipeline = DnsTcp()
    for _ in range(50):
        pipeline.ask(b"rest")

    assert len(pipeline._waiting) == 50
    assert {each[:2] + each[4:] for each in pipeline._outbox} == {b"\0\6rest"}
    assert [each[2:4] for each in pipeline._outbox] == list(pipeline._waiting)


async def test_an_empty_message_and_one_of_nobody_are_passed_over() -> None:
    pipeline = DnsTcp()
    asked = pipeline.ask(b"")
    (id_,) = pipeline._waiting
    pipeline.data_received(b"\0\0" + b"\0\1x" + b"\0\2" + bytes(each ^ 1 for each in id_))
    pipeline.data_received(b"\0\2" + id_)

    assert await asked == id_
