"""TCP (RFC 9293). demux.py finds whose segment it is; start reading there."""
