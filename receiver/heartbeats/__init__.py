"""Who watches the watcher: signs of life that are expected of others, and the one that is sent outside."""
