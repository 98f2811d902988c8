"""What a hub and the agents of its sites send each other: keys, envelopes and messages."""
