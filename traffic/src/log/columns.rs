//! Finds out what the columns of a log hold that looks like `combined` and is not quite: columns
//! before the client, a list of addresses, a duration before the status, a host before the referer.
//!
//! ```text
//! 5480 HIT 192.0.2.7 - - [20/Feb/2016:00:00:45 -0500] "GET / HTTP/1.1" 613 200 187 "-" "Mozilla"
//! └─── before the time ┘ └────── time ──────────────┘ └─ request ────┘ └─ behind the request ──┘
//! ```
//!
//! A server's format is the same in all lines, so each column is judged by what it holds in all
//! lines of a sample (`column_kinds.rs`). What cannot be told is refused: a gate that bans by a log
//! must not take a word for a client.

use super::address::{bare, is_list};
use super::clock::Clock;
use super::column_kinds as kinds;
use super::slots::Role;
use super::template::{Column, Template};
use super::tokens::{Kind, Token, tokens};

/// Share of the lines in which a column must be what it is taken for.
const MOST: f64 = 0.9;
/// Share of the lines in which a column must hold an address to be one of addresses. The others
/// may lack the header that it is made from.
const SOME: f64 = 0.3;
/// Fewest lines that prove that a column of three digits is no status.
const LINES_MIN: usize = 5;

/// What a survey found.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    /// `combined` or `common`, or either after a virtual host.
    Usual { has_host: bool, is_address: bool },
    /// Something else, compiled.
    Unusual { template: Template, is_address: bool },
    /// It looks like `combined`, and a field cannot be told.
    Unclear(String),
}

/// The number that occurs most often; of several the one seen first.
fn most_common(numbers: impl Iterator<Item = usize>) -> usize {
    let mut counts: Vec<(usize, usize)> = Vec::new();
    for number in numbers {
        match counts.iter_mut().find(|(known, _)| *known == number) {
            Some((_, count)) => *count += 1,
            None => counts.push((number, 1)),
        }
    }
    let most = counts.iter().map(|(_, count)| *count).max();
    counts.iter().find(|(_, count)| Some(*count) == most).map_or(0, |(number, _)| *number)
}

/// A line, cut at its time.
#[derive(Clone)]
struct Cut<'a> {
    before: Vec<Token<'a>>,
    behind: Vec<Token<'a>>,
    has_clf_time: bool,
}

/// Looks at the lines of a sample. `None` if they do not have a time in brackets.
pub(super) fn survey(lines: &[&str]) -> Option<Found> {
    let cuts: Vec<Cut<'_>> = lines.iter().filter_map(|line| cut(line)).collect();
    if cuts.is_empty() {
        return None;
    }
    Some(found(&cuts).unwrap_or_else(Found::Unclear))
}

fn found(cuts: &[Cut<'_>]) -> Result<Found, String> {
    // A name may hold spaces, so the columns before the time are those of most lines.
    let width = most_common(cuts.iter().map(|cut| cut.before.len()));
    let usual: Vec<Cut<'_>> =
        cuts.iter().filter(|cut| cut.before.len() == width).cloned().collect();
    let client = clients(&usual)?;
    let behind = behind(cuts)?;
    let has_clf_time = share(cuts, |cut| cut.has_clf_time) > MOST;
    let (has_host, is_usual_client) = match client.roles[..] {
        [Some(Role::Client)] => (false, true),
        [Some(Role::Host), Some(Role::Client)] => (true, true),
        _ => (false, false),
    };
    if is_usual_client
        && !client.is_dressed
        && client.has_two_after
        && has_clf_time
        && behind.is_usual
    {
        return Ok(Found::Usual { has_host, is_address: client.is_address });
    }
    let template = compiled(&client, &behind, cuts);
    Ok(Found::Unusual { template, is_address: client.is_address })
}

/// Cuts a line at its time: the last one in brackets before the request. Whatever a visitor calls
/// himself stands before it.
fn cut<'a>(line: &'a str) -> Option<Cut<'a>> {
    let mut clock = Clock::default();
    let mut is_time = |close: usize| {
        let open = line[..close].rfind('[')?;
        clock.any(&line[open + 1..close]).ok().map(|_| (open, close))
    };
    let before_quote = line.find("] \"").and_then(&mut is_time);
    let (open, close) =
        before_quote.or_else(|| line.match_indices("] ").find_map(|(close, _)| is_time(close)))?;
    let has_clf_time = line.as_bytes().get(open + 3) == Some(&b'/');
    let before = tokens(&line[..open]);
    Some(Cut { before, behind: tokens(&line[close + 1..]), has_clf_time })
}

/// What stands before the time.
struct Clients {
    /// The roles of the columns up to the last that is read.
    roles: Vec<Option<Role>>,
    /// Whether the client is an address in all lines.
    is_address: bool,
    /// Whether an address has a port, brackets or company in any line.
    is_dressed: bool,
    /// Whether two words follow, as in common log format.
    has_two_after: bool,
}

fn clients(cuts: &[Cut<'_>]) -> Result<Clients, String> {
    let column = |index: usize| {
        cuts.iter().filter_map(move |cut| cut.before.get(index)).map(|token| token.inner)
    };
    let width = cuts.iter().map(|cut| cut.before.len()).min().unwrap_or(0);
    let holds = |index| {
        let values = column(index).filter(|value| *value != "-");
        kinds::share(values, is_list) > MOST
            && share(cuts, |cut| cut.before.get(index).is_some_and(|token| is_list(token.inner)))
                > SOME
    };
    let addresses: Vec<usize> = (0..width).filter(|index| holds(*index)).collect();
    let of = |index: usize| cuts.iter().filter_map(move |cut| cut.before.get(index));
    let has_dress = |index: usize| {
        of(index).any(|token| {
            let is_bare = bare(token.inner).is_some_and(|(_, bare)| bare == token.inner);
            token.inner != "-" && (token.kind != Kind::Word || !is_bare)
        })
    };
    let Some(&last) = addresses.last() else { return named(cuts, width) };
    let mut roles = vec![None; last + 1];
    if let [only] = addresses[..] {
        let is_forwarded = column(only).any(|value| value.contains(','));
        roles[only] = Some(if is_forwarded { Role::Forwarded } else { Role::Client });
        // A host stands directly before the client, and nothing else before it.
        if only == 1 && kinds::share(column(0), kinds::is_host) > MOST {
            roles[0] = Some(Role::Host);
        }
    } else {
        // Behind proxies, the other end of the connection is one of a few; the list is not.
        let variety = |index: usize| kinds::distinct(column(index));
        let is_server = |index: usize| column(index).all(kinds::has_server_port);
        let others: Vec<usize> =
            addresses.iter().copied().filter(|index| !is_server(*index)).collect();
        for index in addresses.iter().filter(|index| is_server(**index)) {
            roles[*index] = Some(Role::Host);
        }
        let peer = others
            .iter()
            .copied()
            .filter(|index| !column(*index).any(|value| value.contains(',') || value == "-"))
            .min_by_key(|index| (variety(*index), std::cmp::Reverse(*index)));
        for index in others {
            let role = if Some(index) == peer { Role::Client } else { Role::Forwarded };
            if !roles.contains(&Some(role)) {
                roles[index] = Some(role);
            }
        }
    }
    let is_read = |index: &&usize| matches!(roles[**index], Some(Role::Client | Role::Forwarded));
    let is_dressed = addresses.iter().filter(is_read).any(|index| has_dress(*index));
    Ok(Clients { is_address: true, is_dressed, has_two_after: width >= last + 3, roles })
}

/// The client of a log that holds names, or hashes, in place of addresses. Only common log format
/// says where it is: before an identity, which nobody has, and a user.
fn named(cuts: &[Cut<'_>], width: usize) -> Result<Clients, String> {
    let is_dash = |index: usize| {
        share(cuts, |cut| cut.before.get(index).is_some_and(|token| token.inner == "-")) > 0.5
    };
    let shown = cuts.first().and_then(|cut| cut.before.first()).map_or("", |token| token.inner);
    let client = match width {
        3.. if is_dash(1) && !is_dash(0) => 0,
        4.. if is_dash(2) && !is_dash(1) => 1,
        _ => {
            let shown = super::excerpt::escaped(shown.as_bytes(), 40);
            return Err(format!(
                "no column before the time is an address, and the client would be `{shown}`. \
                    --format says which column it is, such as --format '$host $remote_addr - \
                    $remote_user [$time_local] \"$request\" $status $body_bytes_sent'"
            ));
        }
    };
    let values =
        || cuts.iter().flat_map(|cut| cut.before.iter().take(client + 1)).map(|token| token.inner);
    // Some of them may be addresses: a server asks for a name and does not always get one.
    if let Some(value) = values().find(|value| kinds::is_no_client(value)) {
        let shown = super::excerpt::escaped(value.as_bytes(), 40);
        return Err(format!("the client or its host would be `{shown}`, which is no name"));
    }
    let mut roles = vec![None; client];
    if client == 1 {
        roles[0] = Some(Role::Host);
    }
    roles.push(Some(Role::Client));
    Ok(Clients { roles, is_address: false, is_dressed: false, has_two_after: true })
}

/// What stands behind the time.
struct Behind {
    roles: Vec<Option<Role>>,
    /// Whether all is where `combined` has it, and nothing more is worth reading.
    is_usual: bool,
}

fn behind(cuts: &[Cut<'_>]) -> Result<Behind, String> {
    let width = kinds::usual_width(cuts.iter().map(|cut| cut.behind.len()));
    let of = |index: usize| {
        cuts.iter().filter_map(move |cut| cut.behind.get(index)).filter(|token| !token.is_open)
    };
    let column = |index: usize| of(index).map(|token| token.inner);
    let is_quoted =
        |index: usize| kinds::share(of(index), |token| token.kind == Kind::Quoted) > 0.5;
    let mut roles: Vec<Option<Role>> = vec![None; width];
    let request = (0..width)
        .find(|index| is_quoted(*index) && kinds::share(column(*index), kinds::is_request) > 0.5)
        .or_else(|| (0..width).find(|index| is_quoted(*index)));
    let Some(request) = request else {
        return Err("no quoted request follows the time".to_owned());
    };
    roles[request] = Some(Role::Request);
    let words: Vec<usize> = (request + 1..width).filter(|index| !is_quoted(*index)).collect();
    let status = status(&words, cuts.len(), &column)?;
    if let Some(status) = status {
        roles[status] = Some(Role::Status);
        let bytes = words
            .iter()
            .copied()
            .find(|index| *index > status && kinds::share(column(*index), kinds::is_count) > MOST);
        if let Some(bytes) = bytes {
            roles[bytes] = Some(Role::Bytes);
        }
    }
    let quoted: Vec<usize> = (request + 1..width).filter(|index| is_quoted(*index)).collect();
    texts(&quoted, &column, &mut roles);
    for index in request + 1..width {
        if roles[index].is_none() {
            roles[index] = kinds::extra(column(index), is_quoted(index));
            let is_again = |other: usize| other != index && roles[other] == roles[index];
            if (0..width).any(is_again) {
                roles[index] = None;
            }
        }
    }
    let last = roles.iter().rposition(Option::is_some).unwrap_or(0);
    roles.truncate(last + 1);
    use Role::{Agent, Bytes, Referer, Request, Status};
    const USUAL: [Role; 5] = [Request, Status, Bytes, Referer, Agent];
    let is_usual = roles.len() <= USUAL.len()
        && roles.len() != 4
        && roles.iter().zip(USUAL).all(|(role, usual)| *role == Some(usual));
    Ok(Behind { roles, is_usual })
}

/// The column of the status. A column of three digits may be a duration, so all that it holds must
/// be codes that exist.
fn status<'a, I: Iterator<Item = &'a str>>(
    words: &[usize],
    lines: usize,
    column: &impl Fn(usize) -> I,
) -> Result<Option<usize>, String> {
    let registered = |index: usize| kinds::share(column(index), kinds::is_registered_status);
    let best = words.iter().copied().find(|index| registered(*index) > MOST);
    let first = words.first().copied();
    match (best, first) {
        (Some(best), Some(first)) if best != first && lines < LINES_MIN => Ok(Some(first)),
        (Some(best), _) => Ok(Some(best)),
        (None, Some(first)) if lines < LINES_MIN || registered(first) > 0.5 => Ok(Some(first)),
        (None, Some(first)) => {
            let shown: Vec<_> = column(first).take(3).collect();
            Err(format!(
                "the status would be {}, which are no statuses; --format says which column it is",
                shown.join(", ")
            ))
        }
        (None, None) => Ok(None),
    }
}

/// Gives the quoted columns their roles: user agent, referer, other addresses, host.
fn texts<'a, I: Iterator<Item = &'a str>>(
    quoted: &[usize],
    column: &impl Fn(usize) -> I,
    roles: &mut [Option<Role>],
) {
    let agent = quoted
        .iter()
        .copied()
        .find(|index| kinds::share(column(*index).filter(kinds::is_set), kinds::is_agent) > 0.5);
    let is_referer = |index: &usize| {
        let values = || column(*index).filter(kinds::is_set);
        values().next().is_none() || kinds::share(values(), kinds::is_url) > 0.5
    };
    let referer = match agent {
        Some(agent) => {
            let before = quoted.iter().copied().rfind(|index| *index < agent);
            before.filter(is_referer).or_else(|| {
                let is_told = |index: &usize| column(*index).any(|value| kinds::is_set(&value));
                quoted.iter().copied().find(|i| *i != agent && is_told(i) && is_referer(i))
            })
        }
        None => quoted.first().copied().filter(is_referer),
    };
    // Where nobody says who he is, the columns stand where they always do.
    let agent = agent.or_else(|| {
        let next = quoted.get(1).copied().filter(|_| referer == quoted.first().copied());
        next.filter(|next| !column(*next).any(is_list))
    });
    for (index, role) in [(referer, Role::Referer), (agent, Role::Agent)] {
        if let Some(index) = index {
            roles[index] = Some(role);
        }
    }
}

/// Makes the template that reads these columns.
fn compiled(clients: &Clients, behind: &Behind, cuts: &[Cut<'_>]) -> Template {
    let kind_of = |of: &dyn Fn(&Cut<'_>) -> Option<Kind>| {
        let kinds: Vec<Kind> = cuts.iter().filter_map(of).collect();
        [Kind::Word, Kind::Quoted, Kind::Bracketed, Kind::Parenthesised]
            .into_iter()
            .max_by_key(|kind| kinds.iter().filter(|found| *found == kind).count())
            .unwrap_or(Kind::Word)
    };
    let mut columns: Vec<(Option<Role>, Kind)> = Vec::new();
    for (index, role) in clients.roles.iter().enumerate() {
        columns.push((*role, kind_of(&|cut| cut.before.get(index).map(|token| token.kind))));
    }
    if share(cuts, |cut| cut.before.len() > clients.roles.len()) > 0.5 {
        columns.push((Some(Role::User), Kind::Word));
    }
    columns.push((Some(Role::Time), Kind::Bracketed));
    for (index, role) in behind.roles.iter().enumerate() {
        columns.push((*role, kind_of(&|cut| cut.behind.get(index).map(|token| token.kind))));
    }
    let mut template = Template::default();
    for (index, (role, kind)) in columns.iter().enumerate() {
        if index == 0 {
            template.start.push_str(kind.opening());
        }
        let next = columns.get(index + 1).map_or("", |(_, kind)| kind.opening());
        let until = format!("{} {next}", kind.closing());
        let name = role.map_or("", Role::name);
        template.columns.push(Column::new(*role, name, &until));
    }
    template
}

fn share(cuts: &[Cut<'_>], is: impl Fn(&Cut<'_>) -> bool) -> f64 {
    cuts.iter().filter(|cut| is(cut)).count() as f64 / cuts.len().max(1) as f64
}
