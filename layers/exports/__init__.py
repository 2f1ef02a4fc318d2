"""Tables into files: which rows and columns a layer has, and how they are written in batches.

The formats belong to `layers.formats`; who may have personal values is decided in `api`.
"""
