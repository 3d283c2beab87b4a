"""The one exception of the runner that reaches the user."""


class Refusal(Exception):
    """The runner cannot go on; its text is one English sentence that says what to do."""
