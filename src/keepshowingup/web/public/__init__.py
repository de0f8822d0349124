"""The readers' pages: joining, confirming, looking after one's letters, leaving. No cookie, no script needed."""
