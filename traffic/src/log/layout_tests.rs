//! A line reads the same whatever carries it, and what cannot be told is refused.

use proptest::prelude::*;

use super::wrapping::tests::wrapped;
use super::{LogReader, ReadOptions};
use crate::forwarded::TrustedProxies;

/// Lines of every format, with this client and this second.
fn lines(client: &str, second: u32) -> Vec<String> {
    let clf = format!("20/Feb/2016:00:00:{second:02} -0500");
    let iso = format!("2016-02-20T05:00:{second:02}Z");
    let rest = r#""GET /p/1?a=b HTTP/1.1" 200 187 "https://shop/" "Mozilla/5.0 (X11)""#;
    let port = if client.contains(':') { format!("[{client}]:80") } else { format!("{client}:80") };
    let caddy = format!(
        r#""remote_ip":"{client}","method":"GET","uri":"/","headers":{{"User-Agent":["a/1"]}}"#
    );
    let took = "10.0.1.5:80 0.1 0.1 0.1 200 200 3 1";
    let object = r#"k "GET /k HTTP/1.1" 200 - 5 5 7 7 "-" "a/1" -"#;
    vec![
        format!("{client} - - [{clf}] {rest}"),
        format!("{client} - al [1 [{clf}] {rest}"),
        format!("shop.example:443 {client} - - [{clf}] {rest}"),
        format!("548000 HIT {client} - - [{clf}] {rest} -"),
        format!("shop.example {client} - [{clf}] {rest}"),
        format!("{port} - - [{iso}] {rest}"),
        format!(r#"{client} - - [{clf}] "GET /p/1 HTTP/1.1" 613 200 187 "-" "Mozilla/5.0""#),
        format!(r#"{client} - - [{clf}] "GET /p/1 HTTP/1.1" 200 187 0.548 "-" "Mozilla/5.0""#),
        format!(
            r#"{client} - - [{clf}] "GET / HTTP/1.1" 200 187 "shop.example" "-" "Mozilla/5.0""#
        ),
        format!(
            r#"{{"time":"{iso}","remote_addr":"{client}","request":"GET / HTTP/1.1","status":200}}"#
        ),
        format!(r#"{{"ts":14559444{second:02}.5,"request":{{{caddy}}},"status":200}}"#),
        format!("time:{clf}\thost:{client}\treq:GET / HTTP/1.1\tstatus:200\tsize:5\tua:a/1"),
        format!(r#"h2 {iso} app/shop/1 {port} {took} "GET https://shop:443/ HTTP/2.0" "a/1" - -"#),
        format!(
            r#"[{iso}] "GET / HTTP/2" 200 - 0 5 9 9 "{client}" "a/1" "id" "shop" "10.0.0.1:80""#
        ),
        format!(r#"own shop [{clf}] {client} - 3E REST.GET.OBJECT {object}"#),
    ]
}

/// The records of a log in words.
fn read(log: &str) -> Vec<String> {
    let mut reader = LogReader::new("a.log", log.as_bytes()).unwrap();
    let mut records = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        records.push(format!("{record:?}"));
    }
    assert_eq!(reader.tally().refused, 0, "{log}: {:?}", reader.tally());
    records
}

/// A log of twelve visitors in this format.
fn visitors(format: usize, address: &dyn Fn(u32) -> String) -> Vec<String> {
    (0..12).map(|number| lines(&address(number), number + 10).swap_remove(format)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_line_reads_the_same_whatever_carries_it(
        format in 0..lines("", 0).len(),
        outer in 0..wrapped("").len(),
        inner in prop::option::of(0..wrapped("").len()),
        network: u8,
        is_v6: bool,
    ) {
        let address = |number: u32| if is_v6 {
            format!("2001:db8:{network:x}::{:x}", number + 1)
        } else {
            format!("203.0.{network}.{}", number + 1)
        };
        let alone = visitors(format, &address);
        let carry = |line: &String| {
            let within = inner.map_or(line.clone(), |inner| wrapped(line).swap_remove(inner).1);
            wrapped(&within).swap_remove(outer).1
        };
        let carried: Vec<String> = alone.iter().map(carry).collect();
        let expect = read(&alone.join("\n"));
        prop_assert_eq!(expect.len(), 12);
        for (number, record) in (0..).zip(&expect) {
            prop_assert!(record.contains(&format!("client: {:?}", address(number))), "{}", record);
        }
        prop_assert_eq!(read(&carried.join("\n")), expect);
    }
}

/// The clients of a log, where these proxies are trusted; or why there are none.
fn clients(log: &[String], trusted: &[&str]) -> Result<Vec<String>, String> {
    let trusted = trusted.iter().map(|network| network.parse().unwrap()).collect();
    let options = ReadOptions { trusted: TrustedProxies::new(trusted), format: None };
    let log = log.join("\n");
    let mut reader = LogReader::with_options("a.log", log.as_bytes(), &options)
        .map_err(|error| error.to_string())?;
    let mut clients = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        clients.push(record.client.to_owned());
    }
    if let Some(warning) = reader.warnings().first() {
        return Err(format!("{}: {}", warning.code, warning.fix));
    }
    Ok(clients)
}

#[test]
fn who_stands_behind_proxies_is_found_by_whoever_names_them() {
    let rest = r#"[20/Feb/2016:00:00:45 -0500] "GET / HTTP/1.1" 200 187 "-" "Mozilla/5.0""#;
    let expect: Vec<String> = (1..40).map(|number| format!("203.0.113.{number}")).collect();
    type Form<'a> = &'a dyn Fn(&str, &str) -> String;
    let forms: [Form<'_>; 8] = [
        &|peer, client| format!("{peer} - - {rest} \"{client}\""),
        &|peer, client| format!("{peer} - - {rest} \"198.51.100.9, {client}\""),
        &|peer, client| format!("{peer} - - {rest} \"{client}, 10.0.9.9\" 0.5 text/html"),
        &|peer, client| format!("{client} {peer} - - {rest}"),
        &|peer, client| format!("{peer} ({client}, {peer}) - - {rest}"),
        &|peer, client| format!("{client}, {peer} - - {rest}"),
        &|peer, client| format!("\"{client}, {peer}\" - - {rest}"),
        &|peer, client| {
            let who = format!(r#""remote_addr":"{peer}","http_x_forwarded_for":"{client}""#);
            format!(r#"{{"msec":1.5,{who},"request":"GET / HTTP/1.1","status":200}}"#)
        },
    ];
    for form in forms {
        let lines = |number: usize| form(&format!("10.0.1.{}", number % 3), &expect[number]);
        let log: Vec<String> = (0..expect.len()).map(lines).collect();
        assert_eq!(clients(&log, &["10.0.0.0/8"]).as_ref(), Ok(&expect), "{}", log[0]);
        let said = clients(&log, &[]).unwrap_err();
        assert!(said.contains("--trusted-proxy 10.0.1.0"), "{}: {said}", log[0]);
    }
}

#[test]
fn what_no_column_shows_is_refused_with_what_was_read() {
    let rest = r#"[20/Feb/2016:00:00:45 -0500] "GET / HTTP/1.1" 200 187 "-" "Mozilla/5.0""#;
    let check = |line: &str, expect: &str| {
        let error = clients(&vec![line.to_owned(); 12], &[]).unwrap_err();
        assert!(error.contains(expect), "{line}: {error}");
    };
    check(&format!("some other words - {rest}"), "the client would be `some`");
    check(&format!("nginx: a - - {rest}"), "would be `nginx:`");
    check(
        r#"192.0.2.7 - - [20/Feb/2016:00:00:45 -0500] "GET / HTTP/1.1" 999 888 777"#,
        "the status would be 999",
    );
    check(r#"{"time":"2016-02-20T05:00:45Z","who":"192.0.2.7"}"#, "Its keys are");
    check(
        concat!(
            "192.0.2.7:4000 [20/Feb/2016:00:00:45.289] fe be/web1 0/0/1/5/6 200 1 ",
            r#"- - ---- 5/5/0/0/0 0/0 "GET / HTTP/1.1""#
        ),
        "HAProxy",
    );
    check("INFO:     192.0.2.7:5000 - \"GET / HTTP/1.1\" 200 OK", "uvicorn");
}

#[test]
fn a_wrong_clock_and_the_newest_line_first_are_noticed() {
    let line = |day: u32, year: u32, second: u32| {
        let time = format!("{day}/Feb/{year}:00:00:{second:02} +0000");
        format!(r#"192.0.2.{second} - - [{time}] "GET / HTTP/1.1" 200 1"#)
    };
    let mut log: Vec<String> = (10..40).map(|second| line(20, 2016, second)).collect();
    log.insert(7, line(20, 2099, 7));
    log.insert(9, line(20, 1970, 9));
    assert_eq!(clients(&log, &[]).unwrap().len(), 30);
    log.reverse();
    assert!(clients(&log, &[]).unwrap_err().starts_with("newest_first: "));
}
