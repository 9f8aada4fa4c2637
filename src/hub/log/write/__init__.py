"""From callbacks that arrived to one committed batch of receipts."""
