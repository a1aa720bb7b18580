"""Amazon SNS under contract, by boto3: against a server that answers as we say (moto's speaks the protocol besides)."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from unittest import mock

from receiver.notify.channel import Channel
from tests.receiver.notify.cases.case import Case, Far, Heard, build, http
from tests.receiver.notify.cases.sms import form

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-one", "AWS_EC2_METADATA_DISABLED": "true"}
WRONG = b"<ErrorResponse><Error><Type>Sender</Type><Code>No</Code><Message>no</Message></Error></ErrorResponse>"
ANSWER = (
    b'<PublishResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><PublishResult>'
    b"<MessageId>m-1</MessageId></PublishResult></PublishResponse>"
)


@asynccontextmanager
async def server(far: Far) -> AsyncIterator[str]:
    """SNS's query protocol."""
    with mock.patch.dict(os.environ, KEYS):
        async with http(far, lambda heard: ANSWER, WRONG) as url:
            yield url


def _make(url: str, folder: Path) -> Channel:
    return build("sns", {"region": "eu-central-1", "endpoint_url": url, "timeout": "500ms"})


def _key(heard: Heard) -> str:
    """SNS recognises nothing: the same message to the same number is all there is."""
    said = form(heard)
    return json.dumps([said["PhoneNumber"], said["Message"]])


CASE = Case("sns", server, _make, _key, lambda heard: form(heard)["Message"], retry_after=False)
