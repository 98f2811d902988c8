"""The seams: what the stages ask of the other rooms, and never how they do it."""
