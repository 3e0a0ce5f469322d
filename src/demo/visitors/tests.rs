use std::net::{IpAddr, Ipv4Addr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use traffic::sim::{Population, Site, Tempo, Truth, Visit};

use super::*;
use crate::demo::shop::ToyShop;

const SEED: u64 = 11;

const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn visitor(index: u16, population: Population, site: &Arc<Site>) -> Visitor {
    Visitor::new(index, 1, Visit::new(population, site, SEED, Tempo::Live))
}

fn plan(to: SocketAddr, millis: u64, speed: f64) -> VisitPlan {
    VisitPlan { to, until: Instant::now() + Duration::from_millis(millis), speed }
}

#[tokio::test]
async fn two_seconds_in_the_shop_go_well_for_a_person_and_a_scraper() {
    let site = Arc::new(Site::new(1));
    let shop = ToyShop::start(Arc::clone(&site), ANY_PORT).await.unwrap();
    let visitors =
        vec![visitor(0, Population::Shopper, &site), visitor(1, Population::Scraper, &site)];
    let (lives, logs) = drive_all(visitors, plan(shop.address(), 2_000, 1.0));
    let logs = logs.await;
    for (log, live) in logs.iter().zip(&lives) {
        assert_eq!(
            log.count(|answer| matches!(answer, RequestResult::Allowed(200..400))),
            log.asked.len(),
            "{log:?}"
        );
        assert_eq!(log.first_refused(), None);
        assert_eq!(live.row().allowed as usize, log.asked.len());
    }
    assert!(!logs[0].asked.is_empty());
    assert_eq!(logs[1].population.truth(), Truth::Bad);
    assert!((5..=25).contains(&logs[1].asked.len()), "{} requests in 2 s", logs[1].asked.len());
    let asked = logs.iter().map(|log| log.asked.len()).sum::<usize>();
    // Each visitor may have had one request under way when time was up.
    assert!(
        (asked..=asked + logs.len()).contains(&(shop.served() as usize)),
        "{asked} asked, {} served",
        shop.served()
    );
}

#[tokio::test]
async fn the_real_shop_answers_every_population_as_the_simulated_one() {
    let site = Arc::new(Site::new(1));
    let shop = ToyShop::start(Arc::clone(&site), ANY_PORT).await.unwrap();
    let visitors = Population::ALL
        .iter()
        .zip(0..)
        .map(|(population, index)| visitor(index, *population, &site));
    let (_, logs) = drive_all(visitors.collect(), plan(shop.address(), 600, 10_000.0));
    for log in logs.await {
        assert!(log.asked.len() > 5, "{}: {}", log.name, log.asked.len());
        let steps = Visit::new(log.population, &site, SEED, Tempo::Live);
        for (asked, step) in log.asked.iter().zip(steps) {
            let status = site.respond(step.method, &step.target, step.form.as_deref()).status;
            assert_eq!(
                asked.answer,
                RequestResult::Allowed(status),
                "{} {} {}",
                log.name,
                step.method,
                step.target
            );
        }
    }
}

/// Answers the n-th request of all with `answers[n]`, closes after each third, and stops after the
/// last; says who asked.
async fn scripted_gate(listener: TcpListener, answers: Vec<&'static str>) -> Vec<IpAddr> {
    let mut from = Vec::new();
    let mut answers = answers.into_iter().peekable();
    while answers.peek().is_some() {
        let (mut stream, peer) = listener.accept().await.unwrap();
        for answer in answers.by_ref().take(3) {
            read_head(&mut stream).await;
            stream.write_all(answer.as_bytes()).await.unwrap();
            from.push(peer.ip());
        }
    }
    from
}

async fn read_head(stream: &mut TcpStream) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
}

#[tokio::test]
async fn refusals_are_told_from_the_shops_own_answers_and_a_closed_connection_is_opened_again() {
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
    const CHUNKED: &str =
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
    const SHOPS_OWN: &str = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
    const LIMIT: &str =
        "HTTP/1.1 429 Too Many Requests\r\nx-kidoban-decision: d1\r\ncontent-length: 0\r\n\r\n";
    const BLOCK: &str =
        "HTTP/1.1 403 Forbidden\r\nx-kidoban-decision: d2\r\ncontent-length: 0\r\n\r\n";
    let site = Arc::new(Site::new(1));
    let listener = TcpListener::bind(ANY_PORT).await.unwrap();
    let plan = plan(listener.local_addr().unwrap(), 1_000, 10_000.0);
    let gate = tokio::spawn(scripted_gate(
        listener,
        vec![OK, CHUNKED, SHOPS_OWN, OK, LIMIT, BLOCK, BLOCK],
    ));
    let visitor = visitor(700, Population::Poller, &site);
    let source = visitor.source;
    let live = Arc::new(Live::new(&visitor));
    let log = drive(visitor, plan, Arc::clone(&live)).await;

    assert_eq!(gate.await.unwrap(), vec![source; 7], "the gate sees the visitor's own address");
    assert_eq!(log.first_refused(), Some(4));
    assert_eq!(log.decisions().collect::<Vec<_>>(), ["d1", "d2", "d2"]);
    assert_eq!(log.asked[2].answer, RequestResult::Allowed(403));
    assert!(
        log.asked.len() > 7 && matches!(log.asked[7].answer, RequestResult::Failed(_)),
        "nobody answers any more"
    );
    let row = live.row();
    assert_eq!((row.allowed, row.limited, row.blocked, row.first_refused_at), (4, 1, 2, Some(5)));
    assert_eq!(row.requests as usize, log.asked.len());
}

#[test]
fn visitors_are_neighbours_and_never_the_same() {
    let check =
        |index, expect: &str| assert_eq!(loopback(index, false), expect.parse::<IpAddr>().unwrap());
    check(0, "127.1.0.1");
    check(253, "127.1.0.254");
    check(254, "127.1.1.1");
    check(u16::MAX, "127.2.2.4");
    assert_eq!(loopback(0, true), "127.3.0.1".parse::<IpAddr>().unwrap());
}
