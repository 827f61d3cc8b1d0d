"""What matching may cost, where patterns and texts are strangers'."""


class OutOfSteps(Exception):
    """There is more to match than may be spent on it."""


class Steps:
    """A budget. A step is a character that is read, or a place of a pattern that is looked at for one.

    Attributes:
        left: steps that may still be taken.
    """

    def __init__(self, left: int) -> None:
        self.left = left

    def take(self, number: int) -> None:
        """Spend some, before they are worked.

        Raises:
            OutOfSteps: there are not so many left.
        """
        if number > self.left:
            raise OutOfSteps
        self.left -= number
