"""What the provider ``pixels`` is made of: facts of pixels, and true sentences about them."""
