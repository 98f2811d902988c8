"""Surveillance between accreditations: schedules, budgets, switching rules and alarms."""
