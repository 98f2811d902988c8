"""The built-in lines, by the way they reach the internet: directly, by a proxy, by a PAC file."""
