//! The challenge's two answers on the wire: the page for a limited visitor, and what follows its
//! form. What they say is [`gate::challenge`]'s.

use std::time::Duration;

use bytes::Bytes;
use http::header::{
    ACCEPT, ACCEPT_LANGUAGE, ALLOW, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, LOCATION, REFERRER_POLICY, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use http::{Method, StatusCode};
use pingora::Result;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::Session;

use gate::challenge::{ChallengeAnswer, ChallengePage, FORM_BYTES_MAX, Navigation};
use gate::decision::DecisionId;
use gate::{Ask, Engine};

use crate::asker::{headers_of, peer};
use crate::refuse::{DECISION_HEADER, write};

/// A form fits in one packet or some; who takes longer is holding the connection.
const FORM_TIME: Duration = Duration::from_secs(5);

/// What of a request tells a navigation.
pub(crate) fn navigation_of(request: &RequestHeader) -> Navigation<'_> {
    let header = |name: &str| request.headers.get(name).map(|value| value.as_bytes());
    Navigation {
        accept: header(ACCEPT.as_str()),
        accept_language: header(ACCEPT_LANGUAGE.as_str()),
        fetch_mode: header("sec-fetch-mode"),
        is_scripted: request.headers.contains_key("x-requested-with"),
    }
}

/// Sends the page in place of a plain refusal.
pub(crate) async fn show(
    session: &mut Session,
    page: ChallengePage,
    id: Option<DecisionId>,
) -> Result<()> {
    let mut header = ResponseHeader::build_no_case(StatusCode::TOO_MANY_REQUESTS, Some(12))?;
    header.insert_header(CONTENT_TYPE, "text/html; charset=utf-8")?;
    header.insert_header(CONTENT_LANGUAGE, page.language)?;
    header.insert_header(CONTENT_SECURITY_POLICY, page.security_policy)?;
    header.insert_header(REFERRER_POLICY, "same-origin")?;
    header.insert_header(X_CONTENT_TYPE_OPTIONS, "nosniff")?;
    header.insert_header("x-robots-tag", "noindex")?;
    header.insert_header(CACHE_CONTROL, "no-store")?;
    header.insert_header(
        VARY,
        "Accept, Accept-Language, Sec-Fetch-Mode, User-Agent, X-Requested-With",
    )?;
    header.insert_header(RETRY_AFTER, page.retry_after_s)?;
    if let Some(id) = id {
        header.insert_header(DECISION_HEADER, id.to_string())?;
    }
    write(session, header, Bytes::from(page.html)).await
}

/// Answers a request for the form's path.
pub(crate) async fn answer(session: &mut Session, engine: &Engine) -> Result<()> {
    let method = session.req_header().method.clone();
    if method == Method::GET || method == Method::HEAD {
        // Somebody reloaded what the form led to.
        return redirect(session, "/").await;
    }
    if method != Method::POST {
        let mut header = ResponseHeader::build(StatusCode::METHOD_NOT_ALLOWED, Some(4))?;
        header.insert_header(ALLOW, "GET, HEAD, POST")?;
        return write(session, header, Bytes::new()).await;
    }
    let body = match tokio::time::timeout(FORM_TIME, read_form(session)).await {
        Ok(body) => body?,
        Err(_) => Vec::new(),
    };
    let answer = {
        let request = session.req_header();
        let headers = &headers_of(request);
        let (method, target) = (request.method.as_str(), request.raw_path());
        let ask = Ask { peer: peer(session), method, target, headers };
        engine.answer_challenge(&ask, &body, &navigation_of(request))
    };
    match answer {
        Some(ChallengeAnswer::Passed(target)) => redirect(session, &target).await,
        Some(ChallengeAnswer::Again(page)) => show(session, page, None).await,
        // Challenges are never off where this path is answered.
        None => redirect(session, "/").await,
    }
}

/// The body, and nothing of one that is too large: that is no form of ours.
async fn read_form(session: &mut Session) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(chunk) = session.as_downstream_mut().read_request_body().await? {
        if body.len() + chunk.len() > FORM_BYTES_MAX {
            return Ok(Vec::new());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

async fn redirect(session: &mut Session, target: &str) -> Result<()> {
    let mut header = ResponseHeader::build(StatusCode::SEE_OTHER, Some(4))?;
    header.insert_header(LOCATION, target)?;
    header.insert_header(CACHE_CONTROL, "no-store")?;
    write(session, header, Bytes::new()).await
}
