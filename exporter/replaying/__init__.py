"""Few series of a query, read anew from Prometheus and played through the model: what pictures and reports rest on."""
