"""Areas: which lie above and beneath one another, which holds a location, and which a caller may see.

Files of them come in through `layers.imports`.
"""
