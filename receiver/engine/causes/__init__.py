"""Which alerts have one cause: likelihoods from topology, time and what was learned; docs/adr/0031."""
