//! Paths that only attackers ask for, told by whole segments.
//!
//! `/p/backup-camera` is a product, `/backup/` may be a leak or a category: such plain words count
//! only where the site has nothing there. Where the paths of attacks are pages of this site is
//! asked of the whole log, in [`super::norms`].

/// An attack that is looked for.
enum Sign {
    /// One of the path's segments.
    Segment(&'static str),
    /// How one of the path's segments begins.
    Start(&'static str),
    /// How the path ends.
    End(&'static str),
    /// Segments that follow each other.
    Segments(&'static str),
    /// Text anywhere in the target, also in its query.
    Text(&'static str),
    /// A segment that is a plain word as well: it counts only where the site has nothing there.
    /// With an extension behind it is the same word.
    Word(&'static str),
}
use Sign::{End, Segment, Segments, Start, Text, Word};

/// Attacks; each has its place as a number.
const ATTACKS: &[Sign] = &[
    Segment("wp-login.php"),
    Segment("xmlrpc.php"),
    Start(".env"),
    Segment(".git"),
    Segment(".svn"),
    Segment(".aws"),
    Segment(".ssh"),
    Segment(".htpasswd"),
    Segment("phpmyadmin"),
    Start("wp-config"),
    Segment("wlwmanifest.xml"),
    Text("etc/passwd"),
    Text("union+select"),
    Text("union%20select"),
    Text("<script"),
    Text("%3cscript"),
    Text("../.."),
    Text("..%2f"),
    Segment("eval-stdin.php"),
    Segments("vendor/phpunit"),
    Segments("manager/html"),
    Segment("boaform"),
    Segment("hnap1"),
    Segment("jmx-console"),
    Segment("wls-wsat"),
    End(".sql"),
    End(".bak"),
    Word("pma"),
    Word("cgi-bin"),
    Word("setup"),
    Word("shell"),
    Word("administrator"),
    Word("solr"),
    Word("actuator"),
    Word("invoker"),
    Word("owa"),
    Word("autodiscover"),
    Word("config"),
    Word("backup"),
];

/// How many attacks there are. A client's are kept as bits of a word.
pub(super) const COUNT: usize = ATTACKS.len();
const _: () = assert!(COUNT <= u64::BITS as usize);

/// The number of the attack that this target is, if it is one that counts with this status.
pub(super) fn attack(target: &str, status: u16) -> Option<u8> {
    let lower = target.to_ascii_lowercase();
    let path = lower.split(['?', '#']).next().unwrap_or("");
    let has = |sign: &Sign| match sign {
        Segment(name) => path.split('/').any(|segment| segment == *name),
        Start(start) => path.split('/').any(|segment| segment.starts_with(start)),
        End(end) => path.ends_with(end),
        Segments(names) => path.match_indices(names).any(|(at, _)| {
            let next = path.as_bytes().get(at + names.len());
            path[..at].ends_with('/') && matches!(next, None | Some(b'/'))
        }),
        Text(text) => lower.contains(text),
        Word(word) => {
            status >= 400
                && path
                    .split('/')
                    .any(|segment| segment.split('.').next() == Some(*word) && segment.len() < 32)
        }
    };
    ATTACKS.iter().position(has).and_then(|number| u8::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attacks_are_whole_segments() {
        let is = |target: &str, status| attack(target, status).is_some();
        for target in [
            "/wp-login.php",
            "/blog/WP-Login.php?x=1",
            "/.env",
            "/.env.production",
            "/.git/config",
            "/phpMyAdmin/index.php",
            "/dump.sql",
            "/vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
            "/?id=1+union+select+2",
            "/a?f=../../etc/passwd",
            "/manager/html",
        ] {
            assert!(is(target, 404) && is(target, 200), "{target}");
        }
        for target in ["/backup/", "/backup.zip", "/shell.php", "/actuator/health", "/config.json"]
        {
            assert!(is(target, 404) && !is(target, 200), "{target}");
        }
        for target in [
            "/shell-jacket-blue",
            "/p/backup-camera",
            "/actuator-12v",
            "/c/shells/1",
            "/backups-and-more",
            "/environment",
            "/gitarre/.",
            "/blog/manager/html5-course",
            "/p/sql",
            "/search?q=backup",
        ] {
            assert!(!is(target, 404) && !is(target, 200), "{target}");
        }
    }
}
