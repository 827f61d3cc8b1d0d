"""The certificates that a repository is believed by, and that it is shown."""

import contextlib
import ssl

from trueup.sources.credential import Credential, paper


def tls_of(credential: Credential) -> ssl.SSLContext:
    """How TLS is spoken with the host of a credential.

    Raises:
        ssl.SSLError: its certificates are none.
    """
    context = ssl.create_default_context(cadata=credential.ca or None)
    if credential.insecure:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if credential.tls_client_cert and credential.tls_client_key:
        with contextlib.ExitStack() as stack:
            files = [
                stack.enter_context(paper(text)) for text in (credential.tls_client_cert, credential.tls_client_key)
            ]
            context.load_cert_chain(*files)
    return context
