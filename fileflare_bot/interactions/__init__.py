"""How any interaction is answered: in time, privately, once, and only to the people it is for."""
