//! From an edge's question to the reply.

use std::hash::RandomState;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use gate::metrics::{EdgeOutcome, EdgeQuestion};
use gate::{Ask, End, Engine};
use hyper::StatusCode;
use hyper::http::request::Parts;

use crate::awaited::{Awaited, REPEAT_WITHIN};
use crate::config::Names;
use crate::http_server::Serve;
use crate::question::Question;
use crate::reply::{self, Dialect, Reply};

/// Asks the engine on behalf of edges.
pub(crate) struct Answers {
    pub(crate) engine: Arc<Engine>,
    pub(crate) awaited: Arc<Awaited>,
    pub(crate) names: Names,
    /// How long an outcome is waited for; `None` where none come.
    pub(crate) wait: Option<Duration>,
    pub(crate) hasher: RandomState,
    /// One warning is enough for an edge that is configured wrongly.
    pub(crate) has_warned: AtomicBool,
}

impl Serve for Answers {
    fn answer(&self, question: &Parts, _: Option<IpAddr>) -> Reply {
        let Some(dialect) = Dialect::of_path(question.uri.path()) else {
            let words = "There are /auth_request (nginx) and /forward_auth (others).\n";
            return reply::text(StatusCode::NOT_FOUND, words.to_owned());
        };
        match Question::read(&question.headers, &self.names) {
            Ok(question) => self.decide(&question, dialect),
            Err(unreadable) => {
                self.engine.metrics().edge.asked(EdgeQuestion::Unreadable);
                self.warn(&unreadable.to_string());
                reply::text(StatusCode::INTERNAL_SERVER_ERROR, format!("{unreadable}\n"))
            }
        }
    }

    fn turn_away(&self) -> Reply {
        self.engine.metrics().edge.asked(EdgeQuestion::Stranger);
        let words = "Nobody but the peers of [decide] is answered here.";
        self.warn(words);
        reply::text(StatusCode::INTERNAL_SERVER_ERROR, format!("{words}\n"))
    }
}

impl Answers {
    fn decide(&self, question: &Question<'_>, dialect: Dialect) -> Reply {
        let counters = &self.engine.metrics().edge;
        // Only nginx asks twice, and only of nginx do outcomes come.
        let is_nginx = dialect == Dialect::AuthRequest;
        let fingerprint = if is_nginx { question.fingerprint(&self.hasher) } else { 0 };
        if let Some(id) = question.repeats.filter(|_| is_nginx)
            && self.awaited.is_under_way(id, fingerprint)
        {
            counters.asked(EdgeQuestion::Repeated);
            return reply::allow(id, true);
        }
        counters.asked(EdgeQuestion::Decided);
        // Without a peer: who may ask was checked when the connection was made, and the engine
        // walks the visitor's proxies from here.
        let ask = Ask {
            peer: None,
            method: question.method,
            target: question.target,
            headers: &question.headers,
        };
        let (in_flight, ruling) = self.engine.decide(&ask);
        let id = in_flight.id;
        if let Some(refusal) = ruling.refusal() {
            self.engine.conclude(in_flight, End { status: 0, bytes: 0 });
            return reply::refuse(refusal, id, dialect);
        }
        if is_nginx {
            let until = Instant::now() + self.wait.unwrap_or(REPEAT_WITHIN);
            let in_flight = self.wait.map(|_| in_flight);
            let lost = self.awaited.keep(id, fingerprint, in_flight, until);
            counters.ended(EdgeOutcome::Lost, lost);
        }
        reply::allow(id, is_nginx)
    }

    fn warn(&self, words: &str) {
        if !self.has_warned.swap(true, Ordering::Relaxed) {
            tracing::warn!("an edge was answered with 500: {words} Further ones are only counted.");
        }
    }
}
