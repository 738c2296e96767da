"""Families of signals. No trials of theirs are shipped, and they have no reference on a card: what they cost is learned in
each run, from its first trials, and from those in the user's own ledger. A new family is put here on purpose, or is foretold."""

SIGNALS = {
    "covariance_lda",
    "time_domain_lda",
    "adaptive_lda",
    "minirocket",
    "signal_windows",
    "conv",
    "conv_gru",
    "spectral_lstm",
    "tds_ctc",
}
LISTS = {
    "popular",
    "transitions",
    "content",
    "rp3beta",
    "item_knn",
    "ease",
    "ease_transitions",
    "ials",
    "ranker",
    "sasrec",
}
SEARCH = {"bm25", "lsa", "fused", "reranked", "encoder", "cross_encoder"}
UNFORETOLD = SIGNALS | LISTS | SEARCH
