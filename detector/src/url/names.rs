//! What a URL names: a log-in, or something that only attack tools ask for.
//!
//! For the guard ([`crate::guard`]) and for nothing else: paths that attack tools ask for make
//! labels, so no feature may see them.
//!
//! A segment of the path must be a word of the lists as a whole, whatever its case. So a shop's
//! `/shell-jacket-17` or `/backup-camera` names nothing. Percent-encoded letters are not decoded:
//! who writes `/%2egit/` is found by other paths of its list.

/// What a URL names, as flags. One byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Names(u8);

/// Segments that only attack tools ask for, in lower case. Each is a file or folder that should
/// never be served, or the address of one program that few sites have. Sites that have it answer
/// with something else than an error, and then it does not count.
///
/// Absent on purpose: what people's own pages ask for and miss (`wp-content`, `wp-admin`: of 526
/// people of a log 164 miss some picture there), and what a shop may sell (`telescope`).
const ATTACKS: &[&str] = &[
    // Secrets and version control.
    ".env",
    ".env.local",
    ".env.prod",
    ".env.production",
    ".git",
    ".git-credentials",
    ".gitconfig",
    ".svn",
    ".hg",
    ".aws",
    ".ssh",
    ".docker",
    ".kube",
    ".vscode",
    ".idea",
    ".ds_store",
    ".htaccess",
    ".htpasswd",
    ".npmrc",
    ".bash_history",
    "id_rsa",
    "credentials.json",
    "secrets.json",
    "secrets.yml",
    "sftp-config.json",
    "sftp.json",
    "docker-compose.yml",
    "web.config",
    "wp-config.php",
    "config.php",
    "config.inc.php",
    "configuration.php",
    "localsettings.php",
    "settings.php",
    "database.yml",
    "parameters.yml",
    "appsettings.json",
    // Dumps and left-overs.
    "backup.zip",
    "backup.tar.gz",
    "backup.sql",
    "dump.sql",
    "db.sql",
    "database.sql",
    "data.sql",
    "mysql.sql",
    "site.zip",
    "www.zip",
    "public_html.zip",
    "debug.log",
    "error_log",
    // Administration and other programs.
    "wp-login.php",
    "xmlrpc.php",
    "wlwmanifest.xml",
    "phpmyadmin",
    "pma",
    "myadmin",
    "mysqladmin",
    "dbadmin",
    "sqladmin",
    "adminer",
    "adminer.php",
    "administrator",
    "admin.php",
    "phpinfo",
    "phpinfo.php",
    "info.php",
    "test.php",
    "setup.php",
    "install.php",
    "upload.php",
    "uploader.php",
    "filemanager",
    "server-status",
    "server-info",
    "cgi-bin",
    "fckeditor",
    "phpunit",
    "eval-stdin.php",
    "_ignition",
    "_profiler",
    "jenkins",
    "jmx-console",
    "web-console",
    "invoker",
    "wls-wsat",
    "solr",
    "owa",
    "ecp",
    "autodiscover",
    "autodiscover.xml",
    "hnap1",
    "boaform",
    "goform",
    "geoserver",
    "nacos",
    "axis2",
    // Shells, and files of the system.
    "shell.php",
    "cmd.php",
    "c99.php",
    "r57.php",
    "wso.php",
    "alfa.php",
    "webshell.php",
    "passwd",
    "win.ini",
    "boot.ini",
    "..",
    ".%2e",
    "%2e%2e",
];

/// Ends of a last segment that only attack tools ask for: editors' copies and dumps.
const ATTACK_ENDS: &[&str] = &[".bak", ".swp", ".sql", ".php~", ".php.old"];

/// Last segments of a path, or of a parameter's value, that take a password: without what follows
/// the first dot, in lower case.
const LOG_INS: &[&str] = &[
    "auth",
    "authenticate",
    "authentication",
    "session",
    "sessions",
    "user_sessions",
    "login_check",
    "j_security_check",
    "xmlrpc",
    "otp",
    "2fa",
    "mfa",
    "accedi",
    "acceder",
    "anmelden",
    "anmeldung",
    "connexion",
    "einloggen",
    "entrar",
    "giris",
    "iniciar-sesion",
    "inloggen",
    "kirjaudu",
    "logga-in",
    "logowanie",
    "prihlaseni",
    "zaloguj",
];

/// Parts of such a segment that take a password: `login`, `do_login`, `customer-sign-in`.
const LOG_IN_PARTS: &[&str] =
    &["login", "log-in", "log_in", "logon", "signin", "sign-in", "sign_in"];

/// By its first byte and its length, may a segment be one of these words? Nearly none is, so the
/// lists are seldom searched.
const fn first_and_length(words: &[&str]) -> [u32; 256] {
    let mut lengths = [0; 256];
    let mut at = 0;
    while at < words.len() {
        let word = words[at].as_bytes();
        assert!(word.len() < 32);
        lengths[word[0] as usize] |= 1 << word.len();
        lengths[word[0].to_ascii_uppercase() as usize] |= 1 << word.len();
        at += 1;
    }
    lengths
}

static MAY_BE_ATTACK: [u32; 256] = first_and_length(ATTACKS);

impl Names {
    /// Nothing of the lists.
    pub const NONE: Self = Self(0);
    /// A path that attack tools ask for.
    pub const ATTACK: Self = Self(1);
    /// A path that takes a password.
    pub const LOG_IN: Self = Self(2);

    /// What a target names that has been split. Only what is written to can take a password.
    pub fn of(path: &str, query: &str, writes: bool) -> Self {
        let (mut is_attack, mut last) = (false, "");
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            is_attack |= is_attack_word(segment);
            last = segment;
        }
        let attack = if is_attack || ends_as_attack(last) { Self::ATTACK } else { Self::NONE };
        let is_log_in = writes && (is_log_in(last) || query.split('&').any(routes_to_log_in));
        attack.with(if is_log_in { Self::LOG_IN } else { Self::NONE })
    }

    /// Both together.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Does it name this?
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }
}

fn is_attack_word(segment: &str) -> bool {
    let bytes = segment.as_bytes();
    let lengths = bytes.first().map_or(0, |first| MAY_BE_ATTACK[usize::from(*first)]);
    let may_be = bytes.len() < 32 && lengths & (1 << bytes.len()) != 0;
    may_be && ATTACKS.iter().any(|word| word.eq_ignore_ascii_case(segment))
}

fn ends_as_attack(segment: &str) -> bool {
    let ends_with = |end: &&str| {
        segment.len() > end.len()
            && segment.as_bytes()[segment.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
    };
    ATTACK_ENDS.iter().any(ends_with)
}

/// Does a parameter name a log-in, as `route=account/login` and `task=user.login` do?
fn routes_to_log_in(parameter: &str) -> bool {
    let value = parameter.split_once('=').map_or("", |(_, value)| value);
    value.rsplit(['/', '.']).next().is_some_and(is_log_in)
}

fn is_log_in(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default().as_bytes();
    let has = |part: &&str| {
        stem.windows(part.len()).any(|window| window.eq_ignore_ascii_case(part.as_bytes()))
    };
    stem.len() <= 32
        && (LOG_IN_PARTS.iter().any(has)
            || LOG_INS.iter().any(|word| word.as_bytes().eq_ignore_ascii_case(stem)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_segments_are_attack_paths_and_parts_of_a_product_s_name_are_not() {
        for path in [
            "/.env",
            "/.git/config",
            "/blog/wp-login.php",
            "/phpMyAdmin/index.php",
            "/shop/config.php.bak",
            "/old/DUMP.SQL",
            "/a/../../etc/passwd",
            "//HNAP1/",
        ] {
            assert!(Names::of(path, "", false).has(Names::ATTACK), "{path}");
        }
        for path in [
            "/",
            "/shell-jacket-17",
            "/backup-camera-4k",
            "/actuator/24v",
            "/wp-content/uploads/2012/08/big.png",
            "/c/environment",
            "/p/gitzo-tripod",
            "/thinking-chair",
            "/.well-known/security.txt",
            "/admin",
            "/img/wp-login.php.png",
        ] {
            assert!(!Names::of(path, "a=.env", false).has(Names::ATTACK), "{path}");
        }
    }

    #[test]
    fn a_log_in_is_named_by_the_last_segment_of_what_is_written_to() {
        let is_log_in = |target: &str, writes| {
            let (path, query) = crate::url::split(target);
            Names::of(path, query, writes).has(Names::LOG_IN)
        };
        for target in [
            "/login",
            "/Account/Login.aspx",
            "/customer/account/loginPost/",
            "/wp-login.php",
            "/api/v1/auth",
            "/users/sign_in",
            "/xmlrpc.php",
            "/kunde/anmelden",
            "/index.php?route=account/login",
            "/index.php?lang=de&task=user.login",
            "/index.php?controller=authentication&back=my-account",
        ] {
            assert!(is_log_in(target, true), "{target}");
            assert!(!is_log_in(target, false), "{target}");
        }
        for target in [
            "/",
            "/login/help",
            "/cart/add",
            "/token/refresh",
            "/author",
            "/p/17",
            "/index.php?route=checkout/cart",
            "/cart?login",
        ] {
            assert!(!is_log_in(target, true), "{target}");
        }
    }
}
