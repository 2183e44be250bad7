"""Other libraries' attacks under feint's budget, distance and rows; each is imported when used."""
