"""Letters of a school's office and teachers. Many hold words that filters of words trip over."""

from __future__ import annotations

from probes.mail.letter_form import Letter

LETTERS = (
    Letter(
        writer="office",
        subject="Newsletter for {month}",
        paragraphs=(
            (
                "Our {month} newsletter is attached. {head} writes about the new playground, and "
                "{class} about their visit to {place}."
            ),
            "Well done to {pupil} {surname}, who won {sport} at the district finals.",
        ),
        attached="pdf",
    ),
    Letter(
        writer="teacher",
        subject="Trip to {place} on {date}",
        paragraphs=(
            (
                "On {day} {date} {year} will go to {place}. The coach leaves at {hour} and is back "
                "by {time}. The cost is {sum}, payable by {until}."
            ),
            "Please send a packed lunch, a waterproof coat and no sweets.",
        ),
        attached="docx",
    ),
    Letter(
        writer="office",
        subject="Lunch menu from {date}",
        paragraphs=(
            (
                "From {day} the kitchen serves {dish}, or {pudding} for those who prefer it. "
                "Spotted dick and custard is back on Fridays."
            ),
            "Children who are entitled to free school meals need not do anything.",
        ),
    ),
    Letter(
        writer="teacher",
        subject="{subject} homework for {class}",
        paragraphs=(
            "The homework for {subject} is on page {count}. Please hand it in by {until}.",
            "{pupil} asked in class whether it may be typed: yes, it may.",
        ),
    ),
    Letter(
        writer="office",
        subject="Sports day on {date}",
        paragraphs=(
            (
                "Sports day is on {day} {date} from {hour}. {year} begins with {sport}, followed "
                "by the shot put and the sack race."
            ),
            "Families are welcome. In case of rain we shall try again a week later.",
        ),
        attached="ics",
    ),
    Letter(
        writer="teacher",
        subject="Parents' evening, {date}",
        paragraphs=(
            (
                "Our appointment about {pupil} is at {time} on {day} {date} in {room}. It takes "
                "ten minutes."
            ),
            "If that does not suit, call {phone} before {until}.",
        ),
        attached="ics",
    ),
    Letter(
        writer="office",
        subject="New timetable for {year}",
        paragraphs=(
            (
                "The timetable changes on {date}. {subject} moves to {room}, and {teacher} takes "
                "over {class}."
            ),
            "The whole timetable is attached as a table.",
        ),
        attached="csv",
    ),
    Letter(
        writer="office",
        subject="Library: {book} is overdue",
        paragraphs=(
            "{pupil} borrowed {book} and it was due back on {date}. Another pupil is waiting.",
            "There is no fine. A lost book costs {sum}.",
        ),
    ),
    Letter(
        writer="teacher",
        subject="Reading list for {year}: {book} and others",
        paragraphs=(
            (
                "This term we read {book}, and then Moby Dick by Herman Melville. The whale is a "
                "sperm whale, as {pupil} will gladly explain."
            ),
            "Copies can be borrowed from {room}.",
        ),
    ),
    Letter(
        writer="office",
        subject="Absence of {pupil} {surname}",
        paragraphs=(
            (
                "{pupil} was not in class {class} this morning, and we have no message from you. "
                "Please call {phone} before {time}."
            ),
            "After five days without a reason an absence is recorded as unauthorised.",
        ),
    ),
    Letter(
        writer="teacher",
        subject="Sex and relationships education in {year}",
        paragraphs=(
            (
                "In {month} {year} begins the lessons on relationships and sex education that the "
                "curriculum requires. They deal with puberty, consent, contraception and how to "
                "ask an adult for help."
            ),
            (
                "You may look at all materials in {room} until {until}. Parents have the right to "
                "withdraw a child from parts of sex education; please write to {head}."
            ),
        ),
    ),
    Letter(
        writer="teacher",
        subject="Biology: reproduction and the human body",
        paragraphs=(
            (
                "{class} is learning about reproduction: the penis, the vagina, the uterus and the "
                "breasts are labelled on a diagram, as in every biology book."
            ),
            "The test is on {date}. Revision notes are on the shelf in {room}.",
        ),
    ),
    Letter(
        writer="office",
        subject="Free school meals: apply by {until}",
        paragraphs=(
            (
                "You may be entitled to free school meals. Applying is free, takes five minutes, "
                "and nobody in the dining hall can see who pays. Act now so that {pupil} has a "
                "meal from {date}."
            ),
            "Each pupil who is registered also brings the school extra money.",
        ),
    ),
    Letter(
        writer="office",
        subject="Your password for the parents' pages",
        paragraphs=(
            (
                "You asked us to reset your password for the parents' pages. Please come to {room} "
                "with a document that shows your name. We never send passwords by mail, and never "
                "ask for yours."
            ),
            "If you did not ask, you need not do anything. The office can be reached at {phone}.",
        ),
    ),
    Letter(
        writer="office",
        subject="Examination results of {year}",
        paragraphs=(
            (
                "Results can be collected on {day} {date} from {hour} in {room}. {share} % of last "
                "year's pupils passed in five subjects or more."
            ),
            "A re-mark of a paper costs {sum}, which is returned if the grade goes up.",
        ),
    ),
    Letter(
        writer="teacher",
        subject="School play: {book}",
        paragraphs=(
            (
                "{pupil} has a part in {book}. Rehearsals are in {room} on {day}s until {time}. "
                "Nobody is really shot, and the poison is blackcurrant juice."
            ),
            "Costumes: black tights, a white shirt, no trainers.",
        ),
    ),
    Letter(
        writer="office",
        subject="Head lice in {class}",
        paragraphs=(
            (
                "There are head lice in {class}. Please check {pupil}'s hair tonight with a fine "
                "comb, and treat it if you find any. Itching alone does not mean that there are "
                "lice."
            ),
            "Nits are harmless, and nobody needs to stay at home.",
        ),
    ),
    Letter(
        writer="office",
        subject="Lost property: {count} coats and one recorder",
        paragraphs=(
            (
                "{count} coats, a bra top of the dance club and a recorder wait in {room}. What is "
                "not collected by {until} goes to a charity shop in {place}."
            ),
        ),
    ),
    Letter(
        writer="teacher",
        subject="Drugs, alcohol and tobacco: lessons for {year}",
        paragraphs=(
            (
                "In the next weeks {year} talks about alcohol, cannabis, vaping and gambling, and "
                "why people start. A nurse and a police officer from {place} visit on {date}."
            ),
            "Please talk about it at home as well.",
        ),
    ),
    Letter(
        writer="teacher",
        subject="{subject} coursework of {pupil} {surname}",
        paragraphs=(
            (
                "{pupil}'s coursework on the Second World War is very good: the pages on Hitler, "
                "the bombing of {place} and the killing of civilians are careful and well sourced."
            ),
            "The last chapter is due on {until}.",
        ),
    ),
    Letter(
        writer="office",
        subject="Payment for the residential week: {sum} due",
        paragraphs=(
            (
                "The second part of the cost, {sum}, is due on {until}. You can pay by card in the "
                "office or by transfer. If money is short, speak to us in confidence."
            ),
            "The list of what to bring is attached.",
        ),
        attached="docx",
    ),
    Letter(
        writer="teacher",
        subject="Cockerel eggs and other news of the farm club",
        paragraphs=(
            (
                "The hen has hatched {count} chicks, the cock crows at half past four, and the ass "
                "is called {other}. The great tit in the nest box has laid as well."
            ),
            "The club meets on {day}s at {time}.",
        ),
    ),
    Letter(
        writer="teacher",
        subject="Swimming: breast stroke, and what to bring",
        paragraphs=(
            (
                "{class} swims in {place} from {date}. We begin with the breast stroke. Please "
                "send a swimming costume, a towel and {sum} for the bus."
            ),
            "Long hair must be tied back.",
        ),
    ),
    Letter(
        writer="office",
        subject="Governors: minutes of the meeting on {date}",
        paragraphs=(
            (
                "The minutes are attached. {parent} was elected chair, and the budget was "
                "approved. Mr Dick Cockburn and Mrs Sexton leave the board after nine years."
            ),
            "The next meeting is on {until} in {room}.",
        ),
        attached="pdf",
    ),
    Letter(
        writer="teacher",
        subject="Re-sit in {subject} on {date}",
        paragraphs=(
            (
                "{pupil} can take the paper in {subject} again on {day} {date} at {hour} in "
                "{room}. The pass mark is {share} of 100."
            ),
            "Bring a pen, a ruler and a calculator without memory.",
        ),
        attached="ics",
    ),
    Letter(
        writer="office",
        subject="Class list of {class}",
        paragraphs=(
            (
                "The class list with the new telephone numbers is attached. Please check the entry "
                "of {pupil} {surname} and tell us of mistakes by {until}."
            ),
        ),
        attached="csv",
    ),
)
"""The letters, each with facts to be filled in."""
