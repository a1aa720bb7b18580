"""Two-way with Alertmanager: silences written for incidents and maintenance windows, silences of others seen."""
