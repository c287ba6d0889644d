"""One letter goes out: by SMTP or as a POST with a signature. Each way raises LetterRefused."""

from __future__ import annotations

import hashlib
import hmac
import json
import smtplib
import ssl
import urllib.error
import urllib.request
from email.message import EmailMessage

from hub.errors import TruequeError
from hub.notices.config import Smtp, Subscriber
from hub.store import LetterRow

TIMEOUT_S = 20.0
SIGNATURE = "X-Trueque-Signature"
"""HMAC-SHA256 in hex over the body, with the secret that `trueque hub notify --secret` prints."""


class LetterRefused(TruequeError):
    """The other side did not take the letter; it may later."""


def webhook_secret(master_key: bytes) -> bytes:
    """Return the key by which receivers know letters of this site."""
    return hashlib.sha256(b"trueque-webhook|" + master_key).digest()


def send_mail(server: Smtp, password: str, site: str, who: Subscriber, letter: LetterRow) -> None:
    """Send by SMTP. Raises LetterRefused."""
    message = EmailMessage()
    message["From"] = server.sender
    message["To"] = who.email
    # No line of another's making may become a header.
    message["Subject"] = f"[{site}] {letter.subject}".replace("\r", " ").replace("\n", " ")
    message.set_content(letter.body)
    try:
        with _connection(server) as smtp:
            if server.security == "starttls":
                smtp.starttls(context=ssl.create_default_context())
            if server.user:
                smtp.login(server.user, password)
            smtp.send_message(message)
    except (OSError, smtplib.SMTPException) as problem:
        raise LetterRefused(f"{server.host}: {problem}") from problem


def _connection(server: Smtp) -> smtplib.SMTP:
    if server.security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=context)
    return smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)


def post(secret: bytes, site: str, who: Subscriber, letter: LetterRow) -> None:
    """Post as JSON, signed. Raises LetterRefused."""
    content = {"site": site, "topic": letter.topic, "subject": letter.subject,
               "body": letter.body, "posted_at_ms": letter.posted_at_ms}  # fmt: skip
    body = json.dumps(content).encode()
    signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
    headers = {"Content-Type": "application/json", SIGNATURE: signature}
    request = urllib.request.Request(who.webhook, body, headers, method="POST")
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_S):
            return
    except urllib.error.HTTPError as problem:
        raise LetterRefused(f"{who.webhook}: answers {problem.code} {problem.reason}") from problem
    except urllib.error.URLError as problem:  # its own text is Python's
        told = getattr(problem.reason, "strerror", None) or problem.reason
        raise LetterRefused(f"{who.webhook}: cannot be reached: {told}") from problem
    except (OSError, ValueError) as problem:
        raise LetterRefused(f"{who.webhook}: {problem}") from problem


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A signed letter goes where it was meant to go, nowhere else."""

    def redirect_request(self, *told: object) -> None:
        return None
