"""The demonstration: the main job on the sample district, in files and in a database, and the report of it.

Its command is `api.cli.demo`; what is served of it is the application as everybody has it.
"""
