"""WIZnet chips in MACRAW: W5500, W5100S, W6100 on one engine."""
