"""Reports for people: terminal output, HTML page, figures and exports."""
