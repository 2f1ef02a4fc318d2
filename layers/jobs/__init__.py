"""The queue of jobs: their states, and who may change them when.

What a job does, and the process that does it, belong to `api.jobs`.
"""
