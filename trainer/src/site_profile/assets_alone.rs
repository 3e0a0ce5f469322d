//! How many assets the site's people ask for without a page in between.
//!
//! A program that copies pictures asks for nothing else. A person's pictures come with pages, as
//! many as the longest gallery has. So what people do at most bounds what a page can account for.
//! Where many clients come for assets alone (a server of pictures for other sites, a newsletter),
//! nothing can be said.

use detector::Class;

use super::teachers::teaches;
use crate::site::Site;

/// Fewer clients with pages and assets show nothing.
const CLIENTS_MIN: usize = 50;
/// The clients whose longest rows are left out: one in five hundred, because some of them are bots.
const LEFT_OUT: usize = 500;
/// Never fewer than this: a long list of products, loaded twice.
const LEAST: u16 = 64;
/// Where people ask for more, a page accounts for everything.
const MOST: u16 = 1_000;
/// More clients than this share come for a long row of assets and for no page: it is usual here.
const USUAL_SHARE: f64 = 0.02;

/// A client's rows of assets without a page in between.
#[derive(Clone, Copy, Debug, Default)]
struct Rows {
    pages: u32,
    now: u32,
    longest: u32,
}

/// Half more than all clients with pages and assets but one in five hundred ask for; `None` where
/// that is not known, or is more than [`MOST`].
pub(super) fn learn(site: &Site) -> Option<u16> {
    let mut rows = vec![Rows::default(); site.clients.len()];
    site.walk(|step| {
        let row = &mut rows[step.client as usize];
        if !step.is_request() {
            return;
        }
        if step.event.prior() == Class::Page {
            row.pages += 1;
            row.now = 0;
        } else {
            row.now += 1;
            row.longest = row.longest.max(row.now);
        }
    });
    let taught = rows.iter().enumerate().filter(|(client, _)| teaches(site, *client));
    let (with_pages, without): (Vec<Rows>, Vec<Rows>) =
        taught.map(|(_, rows)| *rows).partition(|rows| rows.pages > 0);
    let mut longest: Vec<u32> =
        with_pages.iter().map(|rows| rows.longest).filter(|longest| *longest > 0).collect();
    if longest.len() < CLIENTS_MIN {
        return None;
    }
    longest.sort_unstable();
    let most = longest[longest.len() - 1 - longest.len() / LEFT_OUT];
    let most = u16::try_from(most.saturating_add(most / 2)).ok().filter(|most| *most <= MOST)?;
    let most = most.max(LEAST);
    let alone = without.iter().filter(|rows| rows.longest > u32::from(most)).count();
    (alone as f64 <= USUAL_SHARE * longest.len() as f64).then_some(most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site_builder::SiteBuilder;
    use traffic::log::LogReader;

    /// Visitors with a page and so many pictures each, and others with pictures alone.
    fn site(people: u32, pictures: u32, copiers: u32) -> Site {
        let mut log = String::new();
        let mut line = |client: String, second: u32, target: String| {
            log += &format!(
                "{client} - - [16/Nov/2026:10:{:02}:{:02} +0000] \"GET {target} HTTP/1.1\" 200 9 \
                 \"-\" \"Firefox\"\n",
                second / 60 % 60,
                second % 60
            );
        };
        for person in 0..people {
            let client = format!("192.0.2.{person}");
            line(client.clone(), person, format!("/p/{person}"));
            (0..pictures).for_each(|number| line(client.clone(), person, format!("/{number}.jpg")));
        }
        for copier in 0..copiers {
            let client = format!("198.51.100.{copier}");
            (0..1_500).for_each(|number| line(client.clone(), copier, format!("/{number}.jpg")));
        }
        let mut reader = LogReader::new("access.log", log.as_bytes()).unwrap();
        let mut builder = SiteBuilder::default();
        while let Some(record) = reader.next().unwrap() {
            builder.note(&record).unwrap();
        }
        builder.finish("shop", 1_000_000, None).unwrap()
    }

    #[test]
    fn it_is_more_than_people_ask_for_and_not_known_where_that_is_much_or_usual() {
        assert_eq!(learn(&site(60, 80, 0)), Some(120));
        assert_eq!(learn(&site(60, 80, 1)), Some(120), "a copier teaches nothing");
        assert_eq!(learn(&site(60, 3, 0)), Some(LEAST));
        assert_eq!(learn(&site(20, 50, 0)), None, "too few people");
        assert_eq!(learn(&site(60, 700, 0)), None, "a page may account for anything");
        assert_eq!(learn(&site(60, 50, 5)), None, "pictures for other sites");
    }
}
