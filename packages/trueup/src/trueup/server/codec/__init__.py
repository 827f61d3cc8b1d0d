"""Messages as JSON has them, as bytes of protobuf, and as a client has written them: by the description."""
