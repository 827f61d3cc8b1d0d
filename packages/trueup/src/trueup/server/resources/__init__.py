"""What can be asked, one module for each noun: plain functions from a request to an answer, over ports."""
