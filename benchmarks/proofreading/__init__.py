"""How keen and how right the proofreader is, on texts that were labelled by hand."""
