"""The trainer's boosting beside LightGBM's: the same rows, the same folds of clients, the same sizes of trees, one core.

    kidoban train LOG... --rows rows.csv -o model.json     the rows, with our margins out of fold
    python benches/lightgbm.py rows.csv

Prints AUC by fold for both, over rows weighted as training weighs them, their difference with its spread over folds (unweighted too), and
LightGBM's seconds and peak memory for one fit of all rows. `make lightgbm` does all of it.
"""

import resource
import sys
import time

sys.path.pop(0)  # this file's own folder: its name is the library's
import lightgbm
import numpy
import pandas
from sklearn.metrics import roc_auc_score

NOT_FEATURES = ["label", "weight", "client", "site", "fold", "margin"]
# Measured and shown, never scored: see detector/src/features/mod.rs.
NOT_SCORED = ["request_rate_60s", "request_rate_600s", "depth_mean", "depth_sd", "age"]
# As constrained as ours: more of it can only raise the score (1), only lower it (-1).
TREND = dict(gap_consistency=1, gap_self_similarity=1, error_share=1, not_found_share=1, gap_entropy=-1)
PARAMETERS = dict(
    objective="binary", num_leaves=16, max_depth=6, learning_rate=0.1, reg_lambda=5.0, min_child_samples=20,
    max_bin=255, n_estimators=100, num_threads=1, deterministic=True, force_row_wise=True, verbose=-1,
)


def fit(rows):
    features = [name for name in rows.columns if name not in NOT_FEATURES + NOT_SCORED]
    trend = [TREND.get(name, 0) for name in features]
    model = lightgbm.LGBMClassifier(**PARAMETERS, monotone_constraints=trend)
    model.fit(rows[features], rows.label, sample_weight=rows.weight)
    return model, features


def main():
    rows = pandas.read_csv(sys.argv[1])
    ours, theirs, plain = [], [], []
    print(f"{len(rows)} rows, {rows[['site', 'client']].drop_duplicates().shape[0]} clients")
    print("fold    rows  kidoban  lightgbm  difference")
    for fold in sorted(rows.fold.unique()):
        test = rows[rows.fold == fold]
        model, features = fit(rows[rows.fold != fold])
        margins = model.predict(test[features], raw_score=True)
        ours.append(roc_auc_score(test.label, test.margin, sample_weight=test.weight))
        theirs.append(roc_auc_score(test.label, margins, sample_weight=test.weight))
        plain.append(roc_auc_score(test.label, test.margin) - roc_auc_score(test.label, margins))
        print(f"{fold:4} {len(test):7}   {ours[-1]:.4f}    {theirs[-1]:.4f}     {ours[-1] - theirs[-1]:+.4f}")
    difference = numpy.array(ours) - numpy.array(theirs)
    print(
        f"mean           {numpy.mean(ours):.4f}    {numpy.mean(theirs):.4f}     {difference.mean():+.4f}"
        f"  (standard deviation over folds {difference.std(ddof=1):.4f})"
    )
    print(f"unweighted difference {numpy.mean(plain):+.4f} (standard deviation over folds {numpy.std(plain, ddof=1):.4f})")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    fit(rows)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"lightgbm: one fit of all rows {seconds:.2f} s, peak {after // 1024} MiB, of which before {before // 1024} MiB")


main()
