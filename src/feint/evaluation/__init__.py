"""From attacked sequences to rows, from rows to success rates."""
