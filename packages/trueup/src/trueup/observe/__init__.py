"""The facts of an Application, gathered once a pass: what is wanted, what is there, what the server says."""
