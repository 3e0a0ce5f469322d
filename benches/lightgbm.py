"""The trainer's boosting beside LightGBM's: the same rows, the same folds of clients, the same sizes of trees, one core.

    kidoban train LOG... --rows rows.csv -o model.json     the rows as the model is told them, with our margins out of fold
    python benches/lightgbm.py rows.csv

Prints AUC by fold for both, over rows weighted as training weighs them, their difference with its spread over folds (unweighted too), and
LightGBM's seconds and peak memory for one fit of all rows. Both grow each tree on a draw of rows and features; LightGBM's AUC is the mean
over five seeds, with their spread: ours has one. `make lightgbm` does all of it.
"""

import pathlib
import re
import resource
import sys
import time

sys.path.pop(0)  # this file's own folder: its name is the library's
import lightgbm
import numpy
import pandas
from sklearn.metrics import roc_auc_score

NOT_FEATURES = ["label", "weight", "client", "site", "fold", "margin"]
SEEDS = range(1, 6)
# As BoostedParams::default(); min_child_samples counts rows where ours weighs them (mean weight 1).
PARAMETERS = dict(
    objective="binary", num_leaves=8, max_depth=6, learning_rate=0.07, reg_lambda=5.0, min_child_samples=8,
    subsample=0.7, subsample_freq=1, colsample_bytree=0.6, max_bin=255, n_estimators=150, num_threads=1,
    deterministic=True, force_row_wise=True, verbose=-1,
)
# What each feature is, from the one place that says so: feature("name", Family, Role, Trend, …
SOURCE = pathlib.Path(__file__).parent.parent / "detector" / "src" / "features" / "mod.rs"
DEFINED = re.findall(r'feature\("(\w+)", \w+, (\w+), (\w+),', SOURCE.read_text())
ROLE = {name: role for name, role, _ in DEFINED}
# More of it can only raise the score (1), only lower it (-1).
TREND = {name: dict(Rising=1, Falling=-1, Free=0)[trend] for name, _, trend in DEFINED}


def fit(rows, seed):
    told = [name for name in rows.columns if name not in NOT_FEATURES and ROLE[name] != "Shown"]
    features = [name for name in told if rows[name].notna().any()]
    trend = [TREND[name] for name in features]
    model = lightgbm.LGBMClassifier(**PARAMETERS, monotone_constraints=trend, random_state=seed)
    model.fit(rows[features], rows.label, sample_weight=rows.weight)
    return model, features


def main():
    rows = pandas.read_csv(sys.argv[1])
    ours, theirs, plain = [], [], []
    print(f"{len(rows)} rows, {rows[['site', 'client']].drop_duplicates().shape[0]} clients")
    print("fold    rows  kidoban  lightgbm (standard deviation over seeds)  difference")
    for fold in sorted(rows.fold.unique()):
        test = rows[rows.fold == fold]
        weighted, unweighted = [], []
        for seed in SEEDS:
            model, features = fit(rows[rows.fold != fold], seed)
            margins = model.predict(test[features], raw_score=True)
            weighted.append(roc_auc_score(test.label, margins, sample_weight=test.weight))
            unweighted.append(roc_auc_score(test.label, margins))
        ours.append(roc_auc_score(test.label, test.margin, sample_weight=test.weight))
        theirs.append(numpy.mean(weighted))
        plain.append(roc_auc_score(test.label, test.margin) - numpy.mean(unweighted))
        spread = numpy.std(weighted, ddof=1)
        print(f"{fold:4} {len(test):7}   {ours[-1]:.4f}    {theirs[-1]:.4f} ({spread:.4f})     {ours[-1] - theirs[-1]:+.4f}")
    difference = numpy.array(ours) - numpy.array(theirs)
    print(
        f"mean           {numpy.mean(ours):.4f}    {numpy.mean(theirs):.4f}              {difference.mean():+.4f}"
        f"  (standard deviation over folds {difference.std(ddof=1):.4f})"
    )
    print(f"unweighted difference {numpy.mean(plain):+.4f} (standard deviation over folds {numpy.std(plain, ddof=1):.4f})")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    model, features = fit(rows, 1)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"lightgbm: one fit of all rows, {len(features)} features, {seconds:.2f} s, peak {after // 1024} MiB, "
        f"of which before {before // 1024} MiB"
    )


main()
