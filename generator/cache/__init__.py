"""What an earlier build came to: found again by all that it depends on, outside of the output folder.

Nothing here imports YAML, PromQL or the compiler: a build that is found again ends before they would be loaded.
"""
