//! A real mirroring program against the real gate.

use crate::scenarios::thresholds;
use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use kidoban::demo::shop::ToyShop;
use kidoban::demo::visitors::{Live, RequestResult, VisitPlan, Visitor, drive};
use traffic::sim::{Population, Site, Tempo, Visit};

use crate::support::{Folder, gate, model, skip};

#[test]
fn wget_mirror_is_stopped_while_a_person_shops() {
    if Command::new("wget").arg("--version").output().is_err() {
        return skip("wget is not installed (scripts/setup --tests installs it)");
    }
    let site = Arc::new(Site::new(1));
    let products = site.catalogue().products().len();
    let folder = Folder::new("wget");
    let file = model::proven(&site);
    let ([limit, block], path) = (thresholds(&file), model::write(&folder, &file));
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let shop = runtime
        .block_on(ToyShop::start(Arc::clone(&site), (Ipv4Addr::LOCALHOST, 0).into()))
        .unwrap();
    let policy = format!("[policy]\nlimit_score = {limit}\nblock_score = {block}\n");
    let gate =
        gate(&folder, shop.address(), &format!("mode = \"enforce\"\nmodel = {path:?}\n{policy}"));

    let visitor = Visitor::new(1, 1, Visit::new(Population::Shopper, &site, 35, Tempo::Live));
    let live = Arc::new(Live::new(&visitor));
    let until = tokio::time::Instant::now() + Duration::from_secs(20);
    let person =
        runtime.spawn(drive(visitor, VisitPlan { to: gate.addr(), until, speed: 1.0 }, live));

    let mirror = folder.path("mirror");
    std::fs::create_dir(&mirror).unwrap();
    let output = Command::new("wget")
        .args([
            "--mirror",
            "--tries=1",
            "--timeout=10",
            "--no-verbose",
            "--no-config",
            "--no-proxy",
        ])
        .arg("--bind-address=127.9.9.9")
        .arg(format!("http://{}/", gate.addr()))
        .current_dir(&mirror)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let copied = std::fs::read_dir(mirror.join(gate.addr().to_string()).join("p"))
        .map_or(0, Iterator::count);
    let refused = said.matches("ERROR 403").count() + said.matches("ERROR 429").count();
    println!("wget copied {copied} of {products} product pages and was refused {refused} times");
    assert!(refused > 0, "wget was not stopped: {said}");
    assert!(
        copied * 10 < products,
        "wget copied {copied} of {products} product pages before it was stopped"
    );

    let visit = runtime.block_on(person).unwrap();
    let pages = visit.asked.iter().filter(|asked| !asked.is_asset).count();
    println!("the person asked for {} things, {pages} of them pages", visit.asked.len());
    assert_eq!(visit.first_refused(), None, "the person was refused");
    assert_eq!(
        visit.count(|answer| matches!(answer, RequestResult::Allowed(200..400))),
        visit.asked.len(),
        "{visit:?}"
    );
    assert!(
        pages > detector::policy::MIN_PAGES as usize,
        "{pages} pages: the person was never judged"
    );
}
