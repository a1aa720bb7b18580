"""How well alerts are put into incidents: scores, simpler ways to do it, and the command that is measured."""
