"""What the API server says when it says no, in words, with the way out where there is one."""

from __future__ import annotations

from tocsin.errors import TocsinError
from tocsin.kubernetes.call import Call
from tocsin.kubernetes.reach import Answer


class Refused(TocsinError):
    """The API server said no. `passing`: it may say yes another time."""

    def __init__(self, call: Call, answer: Answer, target: str) -> None:
        super().__init__(in_words(call, answer, target))
        self.status = answer.status
        self.passing = answer.status == 429 or answer.status >= 500


def in_words(call: Call, answer: Answer, target: str) -> str:
    """What an answer other than yes means, and the way out where there is one."""
    match answer.status:
        case 401:
            return (
                f"the cluster does not know who we are (401): see its kubeconfig or service account: {answer.message}"
            )
        case 403:
            return (
                f"we may not {call.verb} it (403): the role needs {call.permission}; the cluster says: {answer.message}"
            )
        case 404:
            return f"{target} is gone"
        case status:
            return f"{target}: the cluster answered {status}: {answer.message}"
