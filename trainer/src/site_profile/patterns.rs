//! URL templates from the targets that were asked for.
//!
//! Paths are divided segment by segment from the left. Digits become `:n`. Words that make up much
//! of what stands at a place stay; where there are many rare ones (slugs, names, hashes) those
//! become `:x`. Each path pattern is then divided by its query: by the values of a parameter that
//! says which page it is (`route=product/product`: nearly always there, with few values), and by
//! which other parameters are there. The 64 most asked for remain.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use detector::site_profile::{
    PARAMETERS_MAX, PATTERN_BYTES_MAX, Parameter, Pattern, SEGMENTS_MAX, Segment, TEMPLATES_MAX,
    parameters, segments,
};
use detector::url::{is_tracking, normal, split};

/// Up to so many words all stay: the first segment names the parts of a site, and there are some
/// dozen.
const WORDS_AT_ROOT: usize = 24;
/// Deeper down there are fewer, and what there are more of is names.
const WORDS_BELOW: usize = 6;
/// Of more, a word stays that makes up this share of the place: of the root,
const SHARE_AT_ROOT: f64 = 0.01;
/// and below.
const SHARE_BELOW: f64 = 0.2;
/// A parameter that says which page it is stands in nearly every request of its path,
const ROUTE_SHARE_MIN: f64 = 0.9;
/// with so many values at most.
const ROUTE_VALUES_MAX: usize = 24;
/// Parameters and combinations of them below this share of their path do not make a pattern.
const COMBINATION_SHARE_MIN: f64 = 0.05;
/// Parameters by name that make patterns, of one path.
const NAMES_MAX: usize = 4;

/// A distinct target, and how many clients asked for it.
#[derive(Debug)]
pub struct AskedTarget<'a> {
    path: Vec<&'a str>,
    query: &'a str,
    clients: u64,
}

impl<'a> AskedTarget<'a> {
    /// From a target as [`crate::targets::Targets`] has it.
    pub fn new(target: &'a str, clients: u32) -> Self {
        let (path, query) = split(target);
        Self { path: segments(path).collect(), query, clients: u64::from(clients) }
    }
}

/// The patterns of these targets, the most asked for first; a profile can open them all.
pub fn learn(asked: &[AskedTarget<'_>]) -> Vec<String> {
    let mut weights = BTreeMap::new();
    divide(
        &mut Vec::new(),
        asked.iter().filter(|asked| asked.path.len() <= SEGMENTS_MAX).collect(),
        &mut weights,
    );
    let mut ranked: Vec<(Pattern, u64)> = weights.into_iter().collect();
    ranked.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
    let mut needed = BTreeSet::new();
    let mut learnt = Vec::new();
    for (pattern, _) in ranked {
        let text = pattern.to_string();
        let new =
            pattern.parameters.iter().filter(|parameter| !needed.contains(*parameter)).count();
        // Read back as the profile will: whatever the wire held, only what the grammar allows is
        // learnt.
        let is_sound =
            text.len() <= PATTERN_BYTES_MAX && Pattern::parse(&text).as_ref() == Ok(&pattern);
        if is_sound && needed.len() + new <= PARAMETERS_MAX {
            needed.extend(pattern.parameters);
            learnt.push(text);
        }
        if learnt.len() == TEMPLATES_MAX {
            break;
        }
    }
    learnt
}

/// Parameters by name; a value that a pattern cannot hold is `None`.
type Named = BTreeMap<String, Option<String>>;
/// A target's parameters, and how many clients asked for it.
type Queried = (Named, u64);

fn weight(asked: &[&AskedTarget<'_>]) -> u64 {
    asked.iter().map(|asked| asked.clients).sum()
}

/// Divides targets that agree in the segments before by the next one.
fn divide(
    prefix: &mut Vec<Segment>,
    asked: Vec<&AskedTarget<'_>>,
    found: &mut BTreeMap<Pattern, u64>,
) {
    let all = weight(&asked);
    let (ended, longer): (Vec<_>, Vec<_>) =
        asked.into_iter().partition(|asked| asked.path.len() == prefix.len());
    if !ended.is_empty() {
        divide_by_query(prefix, &ended, found);
    }
    let mut words: BTreeMap<Segment, Vec<&AskedTarget<'_>>> = BTreeMap::new();
    for asked in longer {
        words.entry(segment(asked.path[prefix.len()])).or_default().push(asked);
    }
    let (words_max, share_min) = match prefix.len() {
        0 => (WORDS_AT_ROOT, SHARE_AT_ROOT),
        _ => (WORDS_BELOW, SHARE_BELOW),
    };
    if words.keys().filter(|segment| matches!(segment, Segment::Literal(_))).count() > words_max {
        let rare = |segment: &Segment, asked: &[&AskedTarget<'_>]| {
            matches!(segment, Segment::Literal(_))
                && (weight(asked) as f64) < share_min * all as f64
        };
        let (rare, mut kept): (BTreeMap<_, _>, BTreeMap<_, _>) =
            words.into_iter().partition(|(segment, asked)| rare(segment, asked));
        kept.entry(Segment::Any).or_default().extend(rare.into_values().flatten());
        words = kept;
    }
    for (segment, asked) in words {
        prefix.push(segment);
        divide(prefix, asked, found);
        prefix.pop();
    }
}

/// What a segment is by itself. A word that a pattern cannot hold is anything.
fn segment(text: &str) -> Segment {
    if normal(text).all(|byte| byte.is_ascii_digit()) {
        return Segment::Number;
    }
    plain(text).map_or(Segment::Any, Segment::Literal)
}

/// A text's normal form, if a pattern can hold it.
fn plain(text: &str) -> Option<String> {
    let text = String::from_utf8(normal(text).collect()).ok()?;
    let is_plain =
        text.len() <= 64 && !text.chars().any(|char| char.is_whitespace() || char.is_control());
    is_plain.then_some(text)
}

/// The parameters of a query that a pattern can hold; of one that stands there twice the first.
fn named(query: &str) -> Named {
    let mut found = BTreeMap::new();
    for (name, value) in parameters(query).filter(|(name, _)| !is_tracking(name)) {
        if let Some(name) = plain(name).filter(|name| !name.is_empty()) {
            found.entry(name).or_insert_with(|| plain(value));
        }
    }
    found
}

/// Divides targets of one path pattern by their queries.
fn divide_by_query(
    path: &[Segment],
    asked: &[&AskedTarget<'_>],
    found: &mut BTreeMap<Pattern, u64>,
) {
    let all = weight(asked) as f64;
    let mut note = |parameters: Vec<Parameter>, weight: u64| {
        *found.entry(Pattern { segments: path.to_vec(), parameters }).or_insert(0) += weight;
    };
    let queries: Vec<Queried> =
        asked.iter().map(|asked| (named(asked.query), asked.clients)).collect();
    let routes = routes(&queries, all);
    let mut by_route: BTreeMap<Vec<Parameter>, Vec<&Queried>> = BTreeMap::new();
    for query in &queries {
        let route = routes.iter().filter_map(|&name| {
            let value = query.0.get(name)?.clone()?;
            Some(Parameter { name: name.to_owned(), value: Some(value) })
        });
        by_route.entry(route.collect()).or_default().push(query);
    }
    // Whatever its query: a request with parameters that nobody used before still has its path.
    note(Vec::new(), all as u64);
    for (route, queries) in by_route {
        let part = queries.iter().map(|query| query.1).sum::<u64>();
        if !route.is_empty() {
            note(route.clone(), part);
        }
        let mut names: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, clients) in
            queries.iter().flat_map(|query| query.0.keys().map(|name| (name, query.1)))
        {
            if !routes.contains(&name.as_str()) {
                *names.entry(name).or_insert(0) += clients;
            }
        }
        let enough = |clients: u64| clients as f64 >= COMBINATION_SHARE_MIN * part as f64;
        let mut common: Vec<(&str, u64)> =
            names.into_iter().filter(|&(_, clients)| enough(clients)).collect();
        common.sort_by_key(|&(name, clients)| (Reverse(clients), name));
        common.truncate(NAMES_MAX);
        let mut combinations: BTreeMap<Vec<&str>, u64> = BTreeMap::new();
        for (query, clients) in queries {
            let here = common
                .iter()
                .map(|&(name, _)| name)
                .filter(|&name| query.contains_key(name))
                .collect();
            *combinations.entry(here).or_insert(0) += clients;
        }
        combinations.retain(|names, clients| !names.is_empty() && enough(*clients));
        for (names, clients) in combinations {
            let names =
                names.into_iter().map(|name| Parameter { name: name.to_owned(), value: None });
            let mut parameters: Vec<Parameter> = route.iter().cloned().chain(names).collect();
            parameters.sort();
            note(parameters, clients);
        }
    }
}

/// Names of the parameters whose values say which page it is.
fn routes(queries: &[Queried], all: f64) -> Vec<&str> {
    let mut values: BTreeMap<&str, (u64, BTreeSet<&str>, bool)> = BTreeMap::new();
    for (name, value, clients) in
        queries.iter().flat_map(|query| query.0.iter().map(|(name, value)| (name, value, query.1)))
    {
        let (weight, values, is_odd) = values.entry(name).or_default();
        *weight += clients;
        match value.as_deref() {
            // A number, nothing, or what a pattern cannot hold names no route.
            None | Some("") => *is_odd = true,
            Some(value) if value.bytes().all(|byte| byte.is_ascii_digit()) => *is_odd = true,
            Some(value) if values.len() <= ROUTE_VALUES_MAX => _ = values.insert(value),
            Some(_) => {}
        }
    }
    let is_route = |(weight, values, is_odd): &(u64, BTreeSet<&str>, bool)| {
        !is_odd
            && *weight as f64 >= ROUTE_SHARE_MIN * all
            && (2..=ROUTE_VALUES_MAX).contains(&values.len())
    };
    values.into_iter().filter(|(_, value)| is_route(value)).map(|(name, _)| name).collect()
}
