"""What is published of each step, one module for each thing that a query can ask for."""
