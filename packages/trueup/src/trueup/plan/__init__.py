"""What a sync does, in which order, and when it waits: a pure state machine over an operation's recorded results."""
