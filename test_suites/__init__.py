"""The room that talks to pytest: it tests the supplier, and us."""
