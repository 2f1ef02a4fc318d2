"""Jobs: what takes longer than a request is done in a process of its own, one at a time.

`work` does it, `child` is its process, `worker` takes it from the table and watches over it; the table is
`layers.jobs.queue`'.
"""
