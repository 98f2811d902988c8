"""A list of faults stays small, and still says how many there were."""

from corpora.item_table import FAULT_LIMIT, FaultList


def test_the_first_faults_are_told_and_the_rest_counted() -> None:
    faults = FaultList("items.csv")
    for line in range(FAULT_LIMIT + 7):
        faults.add(line, "id", "is wrong", "mend it")

    lines = str(faults.error()).splitlines()

    assert len(faults) == FAULT_LIMIT + 7
    assert lines[0] == "items.csv:0: id: is wrong; mend it"
    assert lines[-1] == "items.csv: and 7 more"
    assert len(lines) == FAULT_LIMIT + 1


def test_without_more_nothing_is_said_of_more() -> None:
    faults = FaultList("items.csv")
    faults.add(None, "", "no rows")

    assert str(faults.error()) == "items.csv: no rows"
