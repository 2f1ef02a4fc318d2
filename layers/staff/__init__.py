"""Officers and their posts: who is responsible for which cells, from when to when.

Files of them come in through `layers.imports`.
"""
