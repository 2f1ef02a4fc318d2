"""gaps"""


def gaps() -> None:
    """gaps"""
