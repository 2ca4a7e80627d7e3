"""What moves frames between a chip, or a line, and the stack. Each driver is a part of its own."""
