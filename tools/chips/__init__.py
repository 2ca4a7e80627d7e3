"""Models of Ethernet chips, from their data sheets; none shares a constant with a driver."""
