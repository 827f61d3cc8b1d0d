"""Facts that every part of Trueup shares: frozen values, no behaviour beyond reading themselves."""
