"""The rules of judgement: one file a kind of facts."""
