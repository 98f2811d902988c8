"""Letters of schools and parents in Welsh, Polish and French."""

from __future__ import annotations

from probes.mail.letter_form import Letter

LETTERS = (
    Letter(
        writer="office",
        language="cy",
        subject="Taith i {place}: {digits}",
        paragraphs=(
            (
                "Bydd dosbarth {class} yn mynd ar daith i {place} ar {digits}. Mae'r bws yn gadael "
                "am {hour}. Y gost yw {sum}."
            ),
            (
                "Cofiwch ddod â chinio, côt law ac esgidiau cryf. Mae croeso i chi ffonio'r "
                "swyddfa ar {phone}."
            ),
        ),
    ),
    Letter(
        writer="teacher",
        language="cy",
        subject="Noson rieni ar {digits}",
        paragraphs=(
            (
                "Cynhelir noson rieni ar {digits}. Hoffwn siarad â chi am waith {pupil}, sydd wedi "
                "gwella'n fawr y tymor hwn."
            ),
            "Os nad yw'r dyddiad yn gyfleus, rhowch wybod i ni.",
        ),
    ),
    Letter(
        writer="parent",
        language="pl",
        subject="Nieobecność: {pupil} {surname}",
        paragraphs=(
            (
                "{pupil} z klasy {class} jest dziś chora i nie przyjdzie do szkoły. Proszę o "
                "przekazanie zadań domowych."
            ),
            "Wrócimy prawdopodobnie {digits}. Mój numer telefonu to {phone}.",
        ),
    ),
    Letter(
        writer="office",
        language="pl",
        subject="Zebranie z rodzicami {digits}",
        paragraphs=(
            (
                "Zapraszamy na zebranie rodziców klasy {class} w dniu {digits} o godzinie {hour}. "
                "Będziemy mówić o wycieczce do {place} i o bezpłatnych obiadach."
            ),
            "Tłumacz będzie na miejscu.",
        ),
    ),
    Letter(
        writer="teacher",
        language="fr",
        subject="Échange scolaire : arrivée le {digits}",
        paragraphs=(
            (
                "Nos élèves arriveront à {place} le {digits} vers {hour}. Ils ont hâte de "
                "rencontrer leurs correspondants, et surtout {pupil} {surname}."
            ),
            (
                "La participation est de {euros} euros par élève. Merci de nous signaler les "
                "allergies, par exemple aux noix ou aux œufs."
            ),
        ),
    ),
    Letter(
        writer="parent",
        language="fr",
        subject="Retard de {pupil} ce matin",
        paragraphs=(
            (
                "Veuillez excuser le retard de {pupil} ({class}) ce matin : le bus de {place} "
                "n'est pas passé."
            ),
            "Nous avons déjà réglé la cantine de {euros} euros.",
        ),
    ),
)
"""The letters, each with facts to be filled in."""
