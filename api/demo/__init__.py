"""The demonstration: the main job on the sample district, in files and in a database, with a report.

Its command is `api.cli.demo`; it is served by the ordinary application.
"""
