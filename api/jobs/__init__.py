"""Jobs: what takes longer than a request is done in a process of its own, a few at once.

`tasks` does it, `fork_server` is its process, `worker` takes it from the table and watches over it; the table
and whose turn it is are `layers.jobs`'.
"""
