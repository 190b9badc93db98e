"""The one exception that the command line turns into a message instead of a traceback."""


class LabError(Exception):
    """Something the lab needs is missing or broken.

    The message names the object, what was found, what was expected and what to do.
    """
