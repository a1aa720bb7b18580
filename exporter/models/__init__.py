"""The models, each a module that keeps the promise of exporter/model.py."""
