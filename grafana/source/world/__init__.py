"""A stack that the dashboards are tried on: the demo's past with a fault, and what Tocsin would have told of it."""
