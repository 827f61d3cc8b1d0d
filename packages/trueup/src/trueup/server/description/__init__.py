"""What the API consists of, as Argo CD 3.6 has it: messages with their numbers on the wire, services, paths."""
