"""keepshowingup: letters that come when they were promised, once, and only to those who want them."""

__version__ = "0.1.0"
