"""The experiments of the course, one module per unit."""
