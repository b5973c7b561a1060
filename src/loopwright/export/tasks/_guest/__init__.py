"""What goes into task folders of others, and needs nothing but Python there."""
