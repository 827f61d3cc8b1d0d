"""``/api/webhook``: who has sent it, have they, what does it say; answered before anything is done about it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from trueup.runtime.logger import Logger
from trueup.server.endpoint import Endpoint, EndpointAnswer, Knock, words
from trueup.server.webhooks.inbox import Inbox
from trueup.server.webhooks.news import BadDelivery, Delivery
from trueup.server.webhooks.senders import Secrets, sender_of

log = Logger("trueup.webhook")

PATH: Final = "/api/webhook"
LARGEST: Final = 50 << 20
"""Bytes of a delivery, where ``webhook.maxPayloadSizeMB`` says nothing."""
MOST_MEGABYTES: Final = 100
_ASIDE: Final = 256 << 10
"""Bytes from which a delivery is looked at in a thread: hashes and JSON of megabytes would hold everybody."""


class Webhooks:
    """Takes deliveries.

    Args:
        inbox: passes on what they say.
        secrets: values of ``argocd-secret``.
        largest: bytes of a delivery.
        refused: told of each delivery that does not show the secret, by the name of its kind of host.
    """

    def __init__(
        self, inbox: Inbox, secrets: Secrets, largest: Callable[[], int], refused: Callable[[str], Awaitable[None]]
    ) -> None:
        self._inbox, self._secrets, self._largest, self._refused = inbox, secrets, largest, refused

    def endpoint(self) -> Endpoint:
        """The path's."""
        return Endpoint(self.answer, ("POST",), self._largest)

    async def answer(self, knock: Knock) -> EndpointAnswer:
        """One delivery."""
        if knock.headers.get("content-encoding", "identity").lower() != "identity":
            # What is small here could be large there.
            return words(415, "send the payload as it is: no content encoding is accepted")
        sender = sender_of(knock.headers)
        if sender is None:
            return words(400, "Unknown webhook event: no header of a Git host or registry that is known")
        delivery = Delivery(knock.headers, knock.query, knock.body)
        aside = len(knock.body) > _ASIDE
        proven = (
            await asyncio.to_thread(sender.proven, delivery, self._secrets)
            if aside
            else sender.proven(delivery, self._secrets)
        )
        if not proven:
            await self._refused(sender.name)
            return words(401, f"the delivery does not show the secret that is set for {sender.name}")
        try:
            news = await asyncio.to_thread(sender.read, delivery) if aside else sender.read(delivery)
        except BadDelivery as error:
            return words(400, f"{sender.name}: {error}")
        found = self._inbox.put(news)
        log.info("webhook", host=sender.name, pushes=len(news), repositories=found)
        # To whoever asks, it is the same whether anybody reads that repository.
        return words(200, "taken" if news else "ignored: not about a push")


def largest_of(text: str) -> int:
    """Bytes that a delivery may have, by ``webhook.maxPayloadSizeMB``; what is no number counts as nothing."""
    text = text.strip()
    if text.isascii() and text.isdecimal() and 0 < len(text) <= 6 and int(text):
        return min(int(text), MOST_MEGABYTES) << 20
    return LARGEST
