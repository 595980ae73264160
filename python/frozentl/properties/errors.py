"""The two ways in which a property is not had."""


class PropertyError(ValueError):
    """What was asked for cannot be: one sentence that says what to do."""


class NoValue(Exception):
    """With this potential the quantity has no value: why, in a few words. The other quantities are not touched."""
