"""The rules of judgement: one file for each kind of facts."""
