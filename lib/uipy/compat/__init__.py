"""The names of uIP, for applications that come from there."""
