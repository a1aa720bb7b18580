"""Which alert rests on which recording rule and metric, as a graph, and drawn."""
