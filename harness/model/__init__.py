"""The nouns: immutable values that every other room speaks of."""
