"""Areas: which lie above and beneath one another, which holds a location, and who may see what lies in them.

Files of them come in through `layers.imports`.
"""
