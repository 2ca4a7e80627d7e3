"""What TCP does only when it is asked for: `Stack(tcp_options={...})` imports these."""
