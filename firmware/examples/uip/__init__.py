"""Applications in the structure of uIP's own, on the thin layer `uipy.compat.uip`."""
