//! A client that keeps its connection and reads one answer at a time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longer than anything takes that works; so that what hangs fails instead.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Client {
    stream: BufReader<TcpStream>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Client {
    pub fn connect(addr: SocketAddr) -> Self {
        let stream = TcpStream::connect(addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream) }
    }

    /// A GET in somebody's name; the gate must trust our loopback address for that to count.
    pub fn get_as(&mut self, client: &str, target: &str) -> Answer {
        self.ask(&format!(
            "GET {target} HTTP/1.1\r\nHost: shop.test\r\nX-Forwarded-For: {client}\r\n\r\n"
        ))
    }

    pub fn get(&mut self, target: &str) -> Answer {
        self.ask(&format!("GET {target} HTTP/1.1\r\nHost: shop.test\r\n\r\n"))
    }

    pub fn ask(&mut self, request: &str) -> Answer {
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        self.answer(request.starts_with("HEAD "))
    }

    fn answer(&mut self, is_head_only: bool) -> Answer {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(
                self.stream.read_line(&mut head).unwrap() > 0,
                "the connection was closed after {head:?}"
            );
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut answer = Answer { status, head, body: Vec::new() };
        answer.body = if is_head_only {
            Vec::new()
        } else if answer.header("transfer-encoding").is_some() {
            self.chunks()
        } else {
            self.bytes(answer.header("content-length").map_or(0, |length| length.parse().unwrap()))
        };
        answer
    }

    fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            let chunk = self.bytes(usize::from_str_radix(line.trim_end(), 16).unwrap());
            self.bytes(2);
            if chunk.is_empty() {
                return body;
            }
            body.extend(chunk);
        }
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        body
    }
}
