//! Clients of small sites, and what the rules make of them.

use detector::Timestamp;
use traffic::log::{Record, RecordedChallenge};

use super::{Agents, Evidence, Norms};
use crate::label::{Label, Labelled};

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";
const HOME: &str = "https://shop.example/";
const HOUR_US: i64 = 3_600_000_000;

/// A client in the making.
struct Visit {
    evidence: Evidence,
    at: i64,
    agent: &'static str,
}

/// A site: its clients, and the user agents that they named.
#[derive(Default)]
struct TestSite {
    agents: Agents,
    clients: Vec<Evidence>,
}

impl Visit {
    fn by(agent: &'static str) -> Self {
        Self { evidence: Evidence::default(), at: 0, agent }
    }

    fn ask(
        mut self,
        site: &mut TestSite,
        method: &str,
        target: &str,
        status: u16,
        from: &str,
    ) -> Self {
        self.at += 1_000_000;
        let record = Record {
            at: Timestamp::from_micros(self.at),
            method,
            target,
            status,
            referer: Some(from).filter(|from| !from.is_empty()),
            user_agent: Some(self.agent),
            ..Record::default()
        };
        let class = detector::url::classify(target.split('?').next().unwrap(), None);
        self.evidence.note(&record, class, &mut site.agents);
        self
    }

    fn get(self, site: &mut TestSite, target: &str, from: &str) -> Self {
        self.ask(site, "GET", target, 200, from)
    }

    /// A page with four pictures.
    fn view(mut self, site: &mut TestSite, page: &str, from: &str) -> Self {
        self = self.get(site, page, from);
        let referer = format!("https://shop.example{page}");
        for number in 0..4 {
            self = self.get(site, &format!("/img/{number}.jpg"), &referer);
        }
        self
    }
}

impl TestSite {
    /// A site with so many people who order something.
    fn of_people(count: usize) -> Self {
        let mut site = Self::default();
        for _ in 0..count {
            let visit = Visit::by(BROWSER).view(&mut site, "/", "https://search.example/");
            let visit = visit.get(&mut site, "/cart", HOME);
            let visit = visit.ask(&mut site, "POST", "/checkout/payment", 302, HOME);
            let visit = visit.get(&mut site, "/checkout/success", HOME);
            site.clients.push(visit.evidence);
        }
        site
    }

    fn label(&mut self, visit: Visit) -> Labelled {
        self.clients.push(visit.evidence.clone());
        visit.evidence.label(&Norms::of(self.clients.iter()))
    }

    fn check(&mut self, visit: Visit, label: Label, why: &str) {
        let found = self.label(visit);
        assert_eq!(found.label, label, "{found:?}");
        assert!(found.why.contains(why), "{found:?}, not {why}");
    }
}

#[test]
fn a_person_shows_two_signs() {
    let site = &mut TestSite::of_people(30);
    let shopper = |site: &mut TestSite| Visit::by(BROWSER).view(site, "/", "");
    let visit = shopper(site);
    site.check(visit, Label::Unknown, "no second sign");
    let mut visit = shopper(site);
    visit.at += 20 * HOUR_US;
    let visit = visit.get(site, "/p/1", HOME);
    site.check(visit, Label::Human, "came back");
    let visit = Visit::by(BROWSER).view(site, "/p/1", "https://www.search.example/?q=x");
    site.check(visit, Label::Human, "another site");
    let visit = Visit::by(BROWSER).view(site, "/p/1", "https://www.shop.example:443/");
    site.check(visit, Label::Unknown, "no second sign");
    let visit = shopper(site).ask(site, "GET", "/logo.png", 304, HOME);
    site.check(visit, Label::Human, "kept from before");
    let visit = shopper(site).ask(site, "POST", "/customer/account/loginPost/", 302, HOME);
    let visit = visit.get(site, "/customer/account/", HOME);
    site.check(visit, Label::Human, "order or log-in");
}

#[test]
fn log_ins_that_fail_and_carts_prove_nobody() {
    let site = &mut TestSite::of_people(30);
    let mut visit = Visit::by(BROWSER).view(site, "/", "");
    for _ in 0..3 {
        visit = visit.ask(site, "POST", "/login", 302, HOME).get(site, "/login?error=1", HOME);
    }
    visit = visit.ask(site, "POST", "/checkout/cart/add", 302, HOME).get(site, "/cart", HOME);
    site.check(visit, Label::Unknown, "no second sign");
    // The twentieth guess passes.
    let mut visit = Visit::by(BROWSER).view(site, "/", "");
    for _ in 0..19 {
        visit = visit.ask(site, "POST", "/login", 200, HOME);
    }
    let visit = visit.ask(site, "POST", "/login", 302, HOME).get(site, "/account", HOME);
    site.check(visit, Label::Unknown, "no second sign");
}

#[test]
fn where_hardly_anybody_shows_two_signs_one_must_do() {
    let site = &mut TestSite::of_people(3);
    let visit = Visit::by(BROWSER).view(site, "/", "");
    site.check(visit, Label::Human, "hardly anybody shows more");
    let site = &mut TestSite::of_people(30);
    for _ in 0..200 {
        let visit = Visit::by(BROWSER).view(site, "/", "").view(site, "/p/1", HOME);
        let visit = visit.view(site, "/p/2", HOME);
        site.clients.push(visit.evidence);
    }
    let visit = Visit::by(BROWSER).view(site, "/", "");
    site.check(visit, Label::Human, "hardly anybody shows more");
}

#[test]
fn the_agent_is_that_of_most_requests() {
    const PREVIEW: &str = "WhatsApp/2.23.20.0 A";
    let site = &mut TestSite::of_people(30);
    let mut visit = Visit::by(BROWSER).view(site, "/", "https://search.example/");
    visit.agent = PREVIEW;
    visit = visit.get(site, "/p/1", "");
    visit.agent = BROWSER;
    let visit = visit.view(site, "/p/2", HOME);
    site.check(visit, Label::Human, "another site");

    let mut visit = Visit::by(PREVIEW);
    for page in ["/p/1", "/p/2", "/p/3"] {
        visit = visit.get(site, page, "");
    }
    site.check(visit, Label::GoodBot, "preview");
    let visit = Visit::by("curl/8.1").get(site, "/p/1", "").get(site, "/p/2", "");
    site.check(visit, Label::Bad, "declared");
    let visit = Visit::by("okhttp/4.9").get(site, "/api/p/1", "").get(site, "/api/p/2", "");
    site.check(visit, Label::Unknown, "an app");

    let mut visit = Visit::by(BROWSER);
    for agent in ["Mozilla/1", "Mozilla/2", "Mozilla/3", "Mozilla/4", BROWSER, BROWSER] {
        visit.agent = agent;
        visit = visit.view(site, "/p/1", "https://search.example/");
    }
    site.check(visit, Label::Unknown, "mixed");
}

#[test]
fn attacks_make_a_client_bad_unless_the_site_has_such_pages() {
    let site = &mut TestSite::of_people(30);
    let scan = |site: &mut TestSite, paths: &[&str], status| {
        paths
            .iter()
            .fold(Visit::by(BROWSER), |visit, path| visit.ask(site, "GET", path, status, ""))
    };
    let visit = scan(site, &["/.env", "/wp-login.php"], 404);
    site.check(visit, Label::Bad, "attack");
    let visit = scan(site, &["/.env"], 404);
    site.check(visit, Label::Unknown, "no evidence");
    // A site that answers everything with its front page is attacked all the same.
    let visit = scan(site, &["/.env", "/.git/config"], 200);
    site.check(visit, Label::Bad, "attack");
    let visit = scan(site, &["/xmlrpc.php"; 6], 405);
    site.check(visit, Label::Bad, "attack");
    // A blog's readers and editors come to its log-in.
    for _ in 0..6 {
        let editor = Visit::by(BROWSER).view(site, "/", "");
        let editor = editor.get(site, "/wp-login.php", "").get(site, "/xmlrpc.php?rsd", "");
        site.clients.push(editor.evidence);
    }
    let visit = scan(site, &["/wp-login.php", "/xmlrpc.php"], 200);
    site.check(visit, Label::Unknown, "no evidence");
    let visit = scan(site, &["/.env", "/.git/config", "/backup.zip"], 404);
    site.check(visit, Label::Bad, "attack");
}

#[test]
fn products_named_like_attacks_and_categories_are_pages() {
    let site = &mut TestSite::of_people(30);
    let mut visit = Visit::by(BROWSER).view(site, "/", "https://search.example/");
    for page in ["/shell-jacket-1", "/shell-vest", "/p/backup-camera", "/actuator-12v", "/backup/"]
    {
        visit = visit.view(site, page, HOME);
    }
    site.check(visit, Label::Human, "another site");
}

#[test]
fn signs_that_contradict_leave_a_client_unknown() {
    let site = &mut TestSite::of_people(30);
    let visit = Visit::by(BROWSER).view(site, "/", "https://search.example/");
    let visit = visit.ask(site, "GET", "/.env", 404, "").ask(site, "GET", "/.git/", 404, "");
    site.check(visit, Label::Unknown, "signs of a person");
    let mut visit = Visit::by(BROWSER).view(site, "/", "");
    for path in ["/.env", "/.git/", "/.svn/", "/xmlrpc.php", "/wp-login.php", "/a.sql", "/b.bak"] {
        visit = visit.ask(site, "GET", path, 404, "");
    }
    site.check(visit, Label::Bad, "attack");
}

#[test]
fn neither_assets_nor_referers_is_odd_only_where_others_have_both() {
    let bare = |site: &mut TestSite, path: &str| {
        (0..14).fold(Visit::by(BROWSER), |visit, number| {
            visit.get(site, &format!("{path}{number}"), "")
        })
    };
    let site = &mut TestSite::of_people(30);
    let visit = bare(site, "/p/");
    site.check(visit, Label::Bad, "no assets");
    // Thumbnails that another site or an app shows.
    let visit = bare(site, "/image/60844/");
    site.check(visit, Label::Unknown, "no evidence");
    // The back end of an app.
    let site = &mut TestSite::default();
    for _ in 0..40 {
        let visit = bare(site, "/api/products/");
        site.check(visit, Label::Unknown, "no evidence");
    }
}

#[test]
fn a_log_without_user_agents_accuses_nobody() {
    let bare = |site: &mut TestSite| {
        (0..6).fold(Visit::by(""), |visit, number| visit.get(site, &format!("/p/{number}"), ""))
    };
    let site = &mut TestSite::default();
    for _ in 0..9 {
        let visit = bare(site);
        site.check(visit, Label::Unknown, "no user agent");
    }
    let site = &mut TestSite::of_people(30);
    let visit = bare(site);
    site.check(visit, Label::Bad, "no user agent");
}

#[test]
fn pictures_that_another_site_shows_are_no_page_view() {
    let site = &mut TestSite::of_people(3);
    let visit = (0..8).fold(Visit::by(BROWSER), |visit, number| {
        visit.get(site, &format!("/img/{number}.jpg"), "https://prices.example/")
    });
    site.check(visit, Label::Unknown, "no evidence");
}

#[test]
fn a_passed_challenge_is_a_sign_of_a_person_and_overrides_no_sign_of_a_bot() {
    let passed = RecordedChallenge::Passed(Timestamp::from_secs(9));
    let challenged = |mut visit: Visit, results: &[RecordedChallenge]| {
        results.iter().for_each(|result| visit.evidence.challenge(*result));
        visit
    };
    let site = &mut TestSite::default();
    // A site where nobody shows any other sign: its people are those who passed.
    for number in 0..30 {
        let visit = Visit::by(BROWSER).get(site, "/", "").get(site, "/p/1", HOME);
        let results = if number < 20 { &[passed][..] } else { &[RecordedChallenge::Issued] };
        site.clients.push(challenged(visit, results).evidence);
    }
    let norms = Norms::of(site.clients.iter());
    let labels = site.clients.iter().map(|client| client.label(&norms).label);
    assert_eq!(labels.filter(|label| *label == Label::Human).count(), 20);

    let visit = challenged(Visit::by(BROWSER).view(site, "/", ""), &[passed]);
    site.check(visit, Label::Human, "a passed challenge, and assets");
    let early = [RecordedChallenge::Early, RecordedChallenge::Failed, passed];
    let visit = challenged(Visit::by(BROWSER).get(site, "/", HOME), &early);
    site.check(visit, Label::Human, "a passed challenge");
    let forged = [RecordedChallenge::Failed; 3];
    let visit = challenged(Visit::by(BROWSER).get(site, "/", HOME), &forged);
    site.check(visit, Label::Bad, "forged");
    let visit = challenged(Visit::by("python-requests/2.32").get(site, "/", ""), &[passed]);
    site.check(visit, Label::Bad, "declared robot");
    let mut crawl = Visit::by(BROWSER);
    for number in 0..60 {
        crawl = crawl.get(site, &format!("/p/{number}"), "");
    }
    site.check(challenged(crawl, &[passed]), Label::Unknown, "but no assets and no referer");
    let mut scan = Visit::by(BROWSER);
    for path in ["/.env", "/wp-login.php", "/.git/config"] {
        scan = scan.ask(site, "GET", path, 404, "");
    }
    site.check(challenged(scan, &[passed]), Label::Bad, "attack paths");
}
