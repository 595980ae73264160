"""What the modules of this package raise."""


class ConvertError(RuntimeError):
    """What cannot be converted, and why, in a sentence."""
