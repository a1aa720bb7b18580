"""The kinds of step, a module each: settings that become an action, and the doer. `kinds.py` lists them."""
