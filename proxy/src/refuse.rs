//! What a refused client gets: a short answer on a connection that stays open.
//!
//! Pingora's `respond_error` always closes, and a new connection costs the gate four times what the
//! answer does, so refusals are built once, filled in and kept alive. They name the decision, so
//! that a person shut out by mistake can quote it, and nothing else: a score in the answer would
//! teach a bot how close it is.
//!
//! A request body that nobody will read is in the way of the next request. A small announced one is
//! read and thrown away; anything else ends the connection, after a little of it was read, because
//! closing on unread bytes makes the kernel send a reset that can overtake the answer.

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, EXPECT, RETRY_AFTER, TRANSFER_ENCODING,
};
use http::{StatusCode, Version};
use pingora::Result;
use pingora::http::{RequestHeader, ResponseHeader};
use pingora::proxy::Session;

use gate::RequestHeaders;
use gate::decision::DecisionId;
use gate::enforce::{Kind, Refusal};
use gate::engine::TARGET_BYTES_MAX;
use gate::headers::body_bytes;
use gate::malformed::Malformed;

/// Carries the decision's id.
pub const DECISION_HEADER: &str = "x-kidoban-decision";

/// A form or a login fits; reading it costs less than another handshake would.
const DRAIN_BYTES_MAX: u64 = 64 << 10;
/// Who has not sent 64 KiB after five seconds is holding the connection, not using it.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// What is wrong with a request, if anything.
pub(crate) fn find_malformed(
    request: &RequestHeader,
    headers: &RequestHeaders<'_>,
    body_bytes_max: Option<u64>,
) -> Option<Malformed> {
    if request.version == Version::HTTP_11 && !headers.has_host {
        return Some(Malformed::MissingHost);
    }
    if request.raw_path().len() > TARGET_BYTES_MAX {
        return Some(Malformed::LongTarget);
    }
    let announced = headers.body_bytes()?;
    body_bytes_max.is_some_and(|max| announced > max).then_some(Malformed::LargeBody)
}

const fn answer(malformed: Malformed) -> (StatusCode, &'static str) {
    match malformed {
        Malformed::MissingHost => (StatusCode::BAD_REQUEST, "The request names no host.\n"),
        Malformed::LongTarget => (StatusCode::URI_TOO_LONG, "The address is too long.\n"),
        Malformed::LargeBody => (StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.\n"),
    }
}

static LIMIT: LazyLock<Option<ResponseHeader>> =
    LazyLock::new(|| template(StatusCode::TOO_MANY_REQUESTS).ok());
static BLOCK: LazyLock<Option<ResponseHeader>> =
    LazyLock::new(|| template(StatusCode::FORBIDDEN).ok());

fn template(status: StatusCode) -> Result<ResponseHeader> {
    let mut header = ResponseHeader::build_no_case(status, Some(8))?;
    header.insert_header(CONTENT_TYPE, "text/plain; charset=utf-8")?;
    header.insert_header(CACHE_CONTROL, "no-store")?;
    Ok(header)
}

fn prebuilt(template: &LazyLock<Option<ResponseHeader>>) -> Result<ResponseHeader> {
    (**template)
        .clone()
        .ok_or_else(|| pingora::Error::explain(pingora::ErrorType::InternalError, "no template"))
}

/// Answers with a refusal.
pub async fn refuse(session: &mut Session, refusal: Refusal, id: DecisionId) -> Result<()> {
    let (mut header, body) = match refusal.kind() {
        Kind::Limit { retry_after_s } => {
            let mut header = prebuilt(&LIMIT)?;
            header.insert_header(RETRY_AFTER, retry_after_s)?;
            (
                header,
                format!(
                    "Too many requests. Please try again in {retry_after_s} s. Reference: {id}\n"
                ),
            )
        }
        Kind::Block => (
            prebuilt(&BLOCK)?,
            format!("Access denied. If this is a mistake, please quote: {id}\n"),
        ),
    };
    header.insert_header(DECISION_HEADER, id.to_string())?;
    write(session, header, Bytes::from(body)).await
}

/// Answers a malformed request.
pub async fn reject(session: &mut Session, malformed: Malformed) -> Result<()> {
    let (status, body) = answer(malformed);
    write(session, template(status)?, Bytes::from_static(body.as_bytes())).await
}

/// Sends an answer that is the gate's own.
pub(crate) async fn write(
    session: &mut Session,
    mut header: ResponseHeader,
    body: Bytes,
) -> Result<()> {
    header.insert_header(CONTENT_LENGTH, body.len())?;
    let keep = may_keep(session.req_header());
    if keep {
        session.as_downstream_mut().set_close_on_response_before_downstream_finish(false);
        session.as_downstream_mut().set_total_drain_timeout(Some(DRAIN_TIME));
    } else {
        session.as_downstream_mut().set_keepalive(None);
    }
    session.write_response_header(Box::new(header), false).await?;
    session.write_response_body(Some(body), true).await?;
    if !keep {
        // Best effort: whether it ends, stalls or breaks, the connection is closed next.
        let _ = tokio::time::timeout(DRAIN_TIME, discard(session)).await;
    }
    Ok(())
}

/// Whether what is left of the request is small enough to be read for the sake of the connection.
fn may_keep(request: &RequestHeader) -> bool {
    // Who asks before sending will not send after a refusal: there would be nothing to read and the
    // next request to miss.
    let waits = request.headers.contains_key(EXPECT);
    let unannounced = request.headers.contains_key(TRANSFER_ENCODING);
    !waits
        && !unannounced
        && announced_body_bytes(request).is_none_or(|bytes| bytes <= DRAIN_BYTES_MAX)
}

/// The length that a request announces.
fn announced_body_bytes(request: &RequestHeader) -> Option<u64> {
    body_bytes(request.headers.get(CONTENT_LENGTH)?.as_bytes())
}

async fn discard(session: &mut Session) -> Result<()> {
    let mut left = DRAIN_BYTES_MAX;
    if session.req_header().headers.contains_key(EXPECT) {
        return Ok(());
    }
    while let Some(chunk) = session.as_downstream_mut().read_request_body().await? {
        left = left.saturating_sub(chunk.len() as u64);
        if left == 0 {
            break;
        }
    }
    Ok(())
}
