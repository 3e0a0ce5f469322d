//! The toy shop as a real HTTP/1.1 server with keep-alive. A browser can show its pages, and `wget
//! --mirror` can crawl them.
//!
//! [`Site::respond`] decides status, page and redirect of each answer; the simulation calls it too.
//! This module only renders the answer. `shop/probes.rs` adds a few endpoints to test a proxy with.
//! The cart is kept in a cookie, so the server has no state.

mod pages;
mod picture;
mod probes;
mod response;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, COOKIE, HeaderValue, LOCATION, SET_COOKIE};
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use traffic::sim::{PageKind, Reply, Site};

use response::{Body, with_body};

/// The largest form that is read. The shop's own forms have less than 100 bytes.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// Pause before accepting again after a failed accept, such as when file descriptors run out.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// A running shop. Dropping it stops the server.
#[derive(Debug)]
pub struct ToyShop {
    address: SocketAddr,
    served: Arc<AtomicU64>,
    /// Every task of the shop ends when this sender is dropped.
    _open: watch::Sender<()>,
}

/// State that every connection of the shop shares.
#[derive(Clone)]
struct ShopState {
    site: Arc<Site>,
    served: Arc<AtomicU64>,
    open: watch::Receiver<()>,
}

impl ToyShop {
    /// Starts the shop on this address. Port 0 takes a free port.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start(site: Arc<Site>, listen: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let served = Arc::new(AtomicU64::new(0));
        let (sender, open) = watch::channel(());
        tokio::spawn(accept(listener, ShopState { site, served: Arc::clone(&served), open }));
        Ok(Self { address, served, _open: sender })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many requests have reached it.
    pub fn served(&self) -> u64 {
        self.served.load(Ordering::Relaxed)
    }
}

async fn accept(listener: TcpListener, shop: ShopState) {
    let mut open = shop.open.clone();
    loop {
        let accepted = tokio::select! {
            _ = open.changed() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                tokio::spawn(connection(stream, shop.clone()));
            }
            Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
        }
    }
}

async fn connection(stream: TcpStream, shop: ShopState) {
    // Answers are small, and Nagle's algorithm would delay some of them by 40 ms.
    let _ = stream.set_nodelay(true);
    let mut open = shop.open.clone();
    let service = service_fn(move |request| {
        let shop = shop.clone();
        async move { Ok::<_, Infallible>(shop.answer(request).await) }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::select! {
        _ = open.changed() => {}
        // An error here means that the client went away, which needs no handling.
        _ = served => {}
    }
}

impl ShopState {
    async fn answer(&self, request: Request<Incoming>) -> Response<Body> {
        self.served.fetch_add(1, Ordering::Relaxed);
        match probes::answer(request, &self.open).await {
            Ok(response) => response,
            Err(request) => self.sell(request).await,
        }
    }

    async fn sell(&self, request: Request<Incoming>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
        let form = if head.method == Method::POST { Some(read_form(body).await) } else { None };
        let reply = self.site.respond(head.method.as_str(), target, form.as_deref());
        let mut cart = cart_in(&head.headers);
        match reply.kind {
            PageKind::CartAdd(id) if reply.status < 400 => cart.push(id),
            PageKind::CheckoutComplete => cart.clear(),
            _ => {}
        }
        render(&self.site, &reply, &cart)
    }
}

fn render(site: &Site, reply: &Reply, cart: &[u32]) -> Response<Body> {
    const ASSET_CACHING: HeaderValue = HeaderValue::from_static("public, max-age=3600");
    let (content_type, body) = match &reply.kind {
        PageKind::Style => ("text/css", pages::STYLE.to_owned()),
        PageKind::Script => ("text/javascript", pages::SCRIPT.to_owned()),
        PageKind::Favicon => ("image/svg+xml", picture::draw(0, 1)),
        PageKind::Image(id, number) => ("image/svg+xml", picture::draw(*id, *number)),
        PageKind::Robots => ("text/plain", "User-agent: *\nDisallow:\n".to_owned()),
        PageKind::Suggest(words) => ("application/json", pages::suggestions(site, words)),
        PageKind::Stock(id) => {
            ("application/json", format!("{{\"id\":{id},\"in_stock\":{}}}", id % 7 != 0))
        }
        kind => ("text/html; charset=utf-8", pages::page(site, kind, cart)),
    };
    let mut response =
        with_body(StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK), content_type, body);
    let headers = response.headers_mut();
    if matches!(
        reply.kind,
        PageKind::Style | PageKind::Script | PageKind::Favicon | PageKind::Image(..)
    ) {
        headers.insert(CACHE_CONTROL, ASSET_CACHING);
    }
    if let Some(location) = reply.location {
        headers.insert(LOCATION, HeaderValue::from_static(location));
    }
    if matches!(reply.kind, PageKind::CartAdd(_) | PageKind::CheckoutComplete) {
        let ids: Vec<String> = cart.iter().map(u32::to_string).collect();
        if let Ok(cookie) = HeaderValue::from_str(&format!("cart={}; Path=/", ids.join("-"))) {
            headers.insert(SET_COOKIE, cookie);
        }
    }
    response
}

/// The body of a POST as text. A body that is too long or incomplete counts as empty.
async fn read_form(body: Incoming) -> String {
    match Limited::new(body, FORM_BYTES_MAX).collect().await {
        Ok(collected) => String::from_utf8_lossy(&collected.to_bytes()).into_owned(),
        Err(_) => String::new(),
    }
}

/// The product ids of the cart cookie; of a longer cart, the last `CART_MAX`.
fn cart_in(headers: &HeaderMap) -> Vec<u32> {
    const CART_MAX: usize = 20;
    let cookies = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let cart =
        cookies.flat_map(|line| line.split("; ")).find_map(|pair| pair.strip_prefix("cart="));
    let ids: Vec<u32> = cart.unwrap_or("").split('-').filter_map(|id| id.parse().ok()).collect();
    ids[ids.len().saturating_sub(CART_MAX)..].to_vec()
}

#[cfg(test)]
mod tests;
