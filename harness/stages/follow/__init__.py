"""Following: failed outcomes become findings with plans, which only a re-test can close."""
