"""Network clients and what they share: routes, DNS, TLS, HTTP, pages and guards."""
