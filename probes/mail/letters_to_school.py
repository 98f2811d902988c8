"""Letters to a school or its families: parents, health services, council, companies, charities.

Many hold words that filters of words trip over: of health, money, prizes and other languages.
"""

from __future__ import annotations

from probes.mail.letter_form import Letter

LETTERS = (
    Letter(
        writer="health",
        subject="Breast screening: your appointment on {date}",
        paragraphs=(
            (
                "You are invited to breast screening on {day} {date} at {hour} in {place}. "
                "Screening finds breast cancer early, before you can see or feel it. It is free."
            ),
            "A mammogram is an x-ray of each breast. If you cannot come, call {phone}.",
        ),
    ),
    Letter(
        writer="health",
        subject="HPV vaccination in {school}",
        paragraphs=(
            (
                "The HPV vaccine protects boys and girls against cancers of the cervix, the anus, "
                "the penis and the throat. The nurses come on {day} {date}."
            ),
            (
                "Please return the consent form by {until}. Side effects are mild: a sore arm, a "
                "headache."
            ),
        ),
        attached="pdf",
    ),
    Letter(
        writer="health",
        subject="Flu vaccination of {year}: consent by {until}",
        paragraphs=(
            (
                "The flu vaccine is a spray into the nose, quick and painless. It is offered on "
                "{date}."
            ),
            "The vaccine holds a little gelatine from pigs. A vaccine without it can be ordered.",
        ),
    ),
    Letter(
        writer="health",
        subject="Cervical screening: please book",
        paragraphs=(
            (
                "Your last smear test was three years ago. Please book the next one at the surgery "
                "in {place}, {phone}."
            ),
            (
                "The test takes less than five minutes. A nurse takes a few cells from the cervix. "
                "Ask for a woman if you prefer."
            ),
        ),
    ),
    Letter(
        writer="health",
        subject="School nurse: talk about periods and puberty",
        paragraphs=(
            (
                "I shall be in {room} on {day} {date} at {time} to talk with {year} about periods, "
                "erections, deodorant and spots. Questions may be put in a box without a name."
            ),
        ),
    ),
    Letter(
        writer="parent",
        subject="{pupil} is ill today",
        paragraphs=(
            (
                "{pupil} ({class}) has been sick in the night and stays at home today. I hope it "
                "will be better by {day}."
            ),
            "Could {other} bring the homework?",
        ),
    ),
    Letter(
        writer="parent",
        subject="Dentist on {date}",
        paragraphs=(
            "{pupil} has to see the dentist on {day} {date} and will be in school by {hour}.",
        ),
    ),
    Letter(
        writer="parent",
        subject="{pupil} {surname}: bullying in the playground",
        paragraphs=(
            (
                "{pupil} came home in tears. Somebody said that he would kill him if he told a "
                "teacher, and called him names that I do not want to repeat. Can we talk on {day}, "
                "at {time}?"
            ),
            "My number is {phone}.",
        ),
    ),
    Letter(
        writer="parent",
        subject="Cake sale on {date}",
        paragraphs=(
            (
                "I can bring {count} fairy cakes, two tarts and some rum-free rum balls. {parent} "
                "brings a table. Does anybody have a spare cash box?"
            ),
        ),
    ),
    Letter(
        writer="parent",
        subject="Moving to {place}",
        paragraphs=(
            (
                "We move from {town} to {place} in {month}. Is there a place for {pupil} in "
                "{year}? {pupil} was born in Scunthorpe and has been to school in Middlesex."
            ),
        ),
    ),
    Letter(
        writer="council",
        subject="School place in {place}: reply by {until}",
        paragraphs=(
            (
                "A place in {year} at {school} has been offered to {pupil} {surname}. Please "
                "accept or refuse it by {until}."
            ),
            "You may appeal. The panel meets in {town} on {date}.",
        ),
    ),
    Letter(
        writer="council",
        subject="Bus pass for {pupil} {surname}",
        paragraphs=(
            (
                "The free bus pass from Penistone to {place} is ready. A photograph is needed: no "
                "hat, no sunglasses, the face uncovered."
            ),
            "A lost pass costs {sum}.",
        ),
    ),
    Letter(
        writer="council",
        subject="Roadworks at {school}",
        paragraphs=(
            (
                "From {date} to {until} the road at the school is closed between {hour} and "
                "{time}. Buses to Essex Road stop in Cock Lane instead."
            ),
        ),
    ),
    Letter(
        writer="company",
        subject="Invoice for school uniform, {sum}",
        paragraphs=(
            (
                "Thank you for your order of {date}: two polo shirts, one pinafore, {count} name "
                "tapes. The invoice of {sum} is attached and is due by {until}."
            ),
            "Exchange is free within 28 days.",
        ),
        attached="pdf",
    ),
    Letter(
        writer="company",
        subject="Class photographs of {class}: special offer until {until}",
        paragraphs=(
            (
                "The photographs of {class} can be seen and ordered. Until {until} the second "
                "print is half price, and delivery to the school is free."
            ),
            "There is no need to order, and we shall not write again.",
        ),
    ),
    Letter(
        writer="company",
        subject="Quotation: {count} tablets for {school}",
        paragraphs=(
            (
                "As asked, our quotation for {count} tablets with covers. It is valid until "
                "{until}. The price for each is {sum} a month over three years."
            ),
            "{teacher} has tried a sample.",
        ),
        attached="docx",
    ),
    Letter(
        writer="company",
        subject="Your account: the password was changed",
        paragraphs=(
            (
                "The password of the account of {school} at our book shop was changed on {date} at "
                "{hour}. If it was you, there is nothing to do."
            ),
            "If not, call {phone}. We do not ask for passwords by mail or telephone.",
        ),
    ),
    Letter(
        writer="company",
        subject="Delivery on {day}: stopcocks, ballcocks and screws",
        paragraphs=(
            (
                "We deliver on {day} {date} before {hour}: {count} boxes of screws, four "
                "ballcocks, a stopcock and two nipples for the radiators in {room}."
            ),
            "Please have somebody there who can sign.",
        ),
    ),
    Letter(
        writer="charity",
        subject="Prize draw for the hospice in {place}",
        paragraphs=(
            (
                "Winner of the first prize of {sum} in our prize draw is ticket {count}, bought at "
                "{school}. Congratulations! The prize can be collected in {place} until {until}."
            ),
            "Together you gave more than ever before. Thank you.",
        ),
    ),
    Letter(
        writer="charity",
        subject="Sponsored walk: 100% goes to breast cancer research",
        paragraphs=(
            (
                "{year} walks from {place} to {town} on {date} for breast cancer research. Every "
                "pound doubles: a company in Essex adds the same sum."
            ),
            "Sponsor forms are at {school}, in {room}.",
        ),
    ),
    Letter(
        writer="list",
        subject="[Parents] Uniform exchange on {date}",
        paragraphs=(
            (
                "Hello all, the uniform exchange is on {day} {date} at {time} in {room}. "
                "Everything is free. I have skirts, shorts and two pairs of tights in age {count}."
            ),
        ),
    ),
    Letter(
        writer="list",
        subject="[Maths-teachers] Task of the week: {count} balls",
        paragraphs=(
            (
                "A bag holds {count} balls, some red, some black. Two are drawn; the probability "
                "that they have one colour is one half. How many are red? {class} solved it in an "
                "hour."
            ),
            "Hint: triangular numbers.",
        ),
    ),
    Letter(
        writer="list",
        subject="[Governors] Papers for {date}",
        paragraphs=(
            (
                "Dear all, the papers for {day} are attached. Item 4 (sex education policy) will "
                "take longer, so please read it before."
            ),
        ),
        attached="pdf",
    ),
)
"""The letters, each with facts to be filled in."""
