"""When measurements are repeated, how often and how strictly: schedules, budgets, intensity."""
