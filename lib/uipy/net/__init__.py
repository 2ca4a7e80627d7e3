"""Up to the datagram: interfaces, Ethernet and ARP, IPv4, ICMP, UDP."""
