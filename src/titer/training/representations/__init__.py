"""What goes on inside a subject while it reads, and what it is compared with: states, the lens, a reference."""
