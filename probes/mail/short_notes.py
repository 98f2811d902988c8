"""Short notes without any striking word. They carry the contents that a test is about."""

from __future__ import annotations

from probes.mail.letter import Letter


def _note(subject: str, *paragraphs: str) -> Letter:
    return Letter(writer="teacher", subject=subject, paragraphs=paragraphs)


NOTES = (
    _note("Meeting on {date}", "I have put the meeting on {date} at {time}, in {room}."),
    _note("{subject} for {class}", "Thank you for your message about {subject} in {class}."),
    _note("The plan for {day}", "Here is the plan for {day}. {teacher} has seen it already."),
    _note("Room change", "On {day} we are in {room} instead, at {hour} as usual."),
    _note("Notes from today", "These are my notes from today. Please add what I forgot."),
    _note("Books for {year}", "We need {count} copies of Treasure Island for {year}."),
    _note("Thank you", "Thank you for your help with {year} on {date}. It went very well."),
    _note("Question about {date}", "Is {date} at {time} still right? {teacher} was not sure."),
    _note("Seating plan", "The seating plan for {class} is done. {other} sits at the front."),
    _note("Music on {day}", "The choir meets on {day} at {time}. {count} children have joined."),
    _note("Garden club", "The beans are up. We water them on {day}, after {hour}."),
    _note("Chess club", "{count} children came to the chess club. The next one is on {date}."),
)
"""The notes, each with facts to be filled in."""

ATTACHED = (
    "It is attached.",
    "Please see the attachment.",
    "I have attached what you asked for.",
    "You will find it with this message.",
)
"""Sentences that mention an attachment."""
