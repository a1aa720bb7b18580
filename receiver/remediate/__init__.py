"""Actions: one module each, one line in a registry, as in `notify/`. None is built yet."""
