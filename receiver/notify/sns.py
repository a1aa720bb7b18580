"""SMS by Amazon SNS. At least once: SNS knows no key by which it would recognise a repeat of a text message."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any, ClassVar

from pydantic import AnyHttpUrl, Field, StringConstraints

from receiver.notify import sms
from receiver.notify.channel import ChannelRefused, ChannelUnavailable, Envelope, Receipt
from receiver.notify.posting import blotted
from receiver.notify.text import Writer
from receiver.notify.threads import Blocking
from tocsin.config import Duration, Settings

WORTH_A_RETRY = {"Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "SlowDown"}
Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]


class SnsSettings(Settings):
    """Where, and from whom; credentials come by AWS's usual chain."""

    region: str | None = Field(None, min_length=1, max_length=64)
    sender_id: str | None = Field(None, pattern=r"^[A-Za-z0-9-]{0,10}[A-Za-z][A-Za-z0-9-]{0,10}$", max_length=11)
    to: Phone | None = None
    segments: int = Field(2, ge=1, le=10)
    endpoint_url: AnyHttpUrl | None = None
    timeout: Duration = timedelta(seconds=10)


class SnsChannel:
    """Sends text messages to a user's own number, or to the one that is configured."""

    contact: ClassVar[str] = "phone"
    follows: ClassVar[bool] = False
    idempotent: ClassVar[bool] = False

    def __init__(self, settings: SnsSettings, writer: Writer) -> None:
        self._settings = settings
        self._writer = writer
        self._calls: Blocking[Callable[[dict[str, Any]], str]] = Blocking(self._publisher, "sns")

    async def send(self, envelope: Envelope) -> Receipt:
        number = envelope.to.address if envelope.to else self._settings.to
        if not number:
            raise ChannelRefused("it has no number of its own: name a user, a team or a schedule, or set `to`")
        attributes = {"AWS.SNS.SMS.SMSType": {"DataType": "String", "StringValue": "Transactional"}}
        if self._settings.sender_id:
            sender = {"DataType": "String", "StringValue": self._settings.sender_id}
            attributes["AWS.SNS.SMS.SenderID"] = sender
        message = {"PhoneNumber": number, "Message": self.preview(envelope), "MessageAttributes": attributes}
        seconds = self._settings.timeout.total_seconds()
        return Receipt(reference=await self._calls.run(lambda publish: publish(message), seconds))

    def preview(self, envelope: Envelope) -> str:
        """The text as it is sent."""
        return sms.message(self._writer.write(envelope), envelope, "", self._settings.segments)

    async def close(self) -> None:
        await self._calls.close()

    def _publisher(self) -> Callable[[dict[str, Any]], str]:
        """One try of a client that belongs to the thread; when to try again is the outbox's to say."""
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
        from botocore.exceptions import ConnectionError as NotConnected
        from botocore.parsers import ResponseParserError

        settings, seconds = self._settings, self._settings.timeout.total_seconds()
        url = str(settings.endpoint_url) if settings.endpoint_url else None
        once = Config(connect_timeout=seconds, read_timeout=seconds, retries={"total_max_attempts": 1})
        made: list[Any] = []

        def publish(message: dict[str, Any]) -> str:
            try:
                if not made:
                    made.append(
                        boto3.Session().client("sns", region_name=settings.region, endpoint_url=url, config=once)
                    )
                return str(made[0].publish(**message)["MessageId"])
            except ClientError as error:
                raise verdict(error.response) from error
            except (HTTPClientError, NotConnected, ResponseParserError) as error:  # whatever stands between spoke
                raise ChannelUnavailable(f"SNS cannot be reached: {type(error).__name__}") from error
            except BotoCoreError as error:  # no region, no credentials, a number that is none
                raise ChannelRefused(blotted(f"{type(error).__name__}: {error}")) from error

        return publish


def verdict(response: dict[str, Any]) -> ChannelUnavailable | ChannelRefused:
    """Throttled, and what is SNS's own fault, comes again; the rest is final."""
    error = response.get("Error", {})
    code = str(error.get("Code", ""))
    said = blotted(f"SNS says {code}: {error.get('Message', '')}")
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in WORTH_A_RETRY or code.startswith("InternalError") or status >= 500 or status == 429:
        return ChannelUnavailable(said)
    return ChannelRefused(said)
