"""What has woken applications since their last passes: news of a repository alone, or something else."""


class Woken:
    """What it forgets costs a look at everything."""

    def __init__(self) -> None:
        self._by_news: dict[str, bool] = {}

    def by_news(self, key: str) -> None:
        """A repository that the application reads has something new, or has been looked at."""
        self._by_news.setdefault(key, True)

    def by_change(self, key: str) -> None:
        """Something that it is compared with is another, or may be."""
        self._by_news[key] = False

    def take(self, key: str) -> bool:
        """Whether news alone have woken it; a pass begins, and counts anew from here."""
        return self._by_news.pop(key, False)
