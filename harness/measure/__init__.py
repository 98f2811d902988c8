"""Try items over lines and leave observations; nothing is concluded here."""
