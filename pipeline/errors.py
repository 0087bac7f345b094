"""The one exception that means "what you gave is wrong", as opposed to a bug."""


class InputError(ValueError):
    """Bad input. The message is one line naming the file or value and the mend; the CLI prints it without a traceback."""
