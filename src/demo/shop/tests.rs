use std::collections::BTreeSet;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::handshake;
use hyper::header::CONTENT_TYPE;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const ANY_PORT: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn open_shop(products: usize) -> ToyShop {
    ToyShop::start(Arc::new(Site::with_size(1, products, 4)), ANY_PORT).await.unwrap()
}

async fn send(shop: &ToyShop, request: Request<Full<Bytes>>) -> (u16, HeaderMap, String) {
    let stream = TcpStream::connect(shop.address()).await.unwrap();
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), head.headers, String::from_utf8_lossy(&body).into_owned())
}

fn request(method: &str, target: &str, body: &str) -> Request<Full<Bytes>> {
    let builder = Request::builder()
        .method(method)
        .uri(target)
        .header("host", "shop")
        .header("x-seen", "yes");
    builder.body(Full::new(Bytes::from(body.to_owned()))).unwrap()
}

async fn get(shop: &ToyShop, target: &str) -> (u16, HeaderMap, String) {
    send(shop, request("GET", target, "")).await
}

/// Everything that a page links to or loads.
fn links(html: &str) -> Vec<String> {
    let quoted = |attribute: &str| {
        html.split(&format!(" {attribute}=\""))
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect()
    };
    let mut all: Vec<String> = quoted("href");
    all.extend(quoted("src"));
    all.into_iter().map(|link| link.replace("&amp;", "&")).collect()
}

#[tokio::test]
async fn a_crawler_reaches_every_product_and_no_dead_link() {
    let shop = open_shop(60).await;
    let mut seen = BTreeSet::from(["/".to_owned()]);
    let mut waiting = vec!["/".to_owned()];
    while let Some(target) = waiting.pop() {
        let (status, headers, body) = get(&shop, &target).await;
        assert_eq!(status, 200, "{target}");
        if headers[CONTENT_TYPE].to_str().unwrap().starts_with("text/html") {
            waiting.extend(links(&body).into_iter().filter(|link| seen.insert(link.clone())));
        }
    }
    assert_eq!(seen.iter().filter(|target| target.starts_with("/p/")).count(), 60);
    assert_eq!(shop.served(), seen.len() as u64);
}

#[tokio::test]
async fn what_was_put_in_the_cart_is_on_the_bill() {
    let shop = open_shop(20).await;
    let (status, headers, _) =
        send(&shop, request("POST", "/cart/add", "id=1003&quantity=1")).await;
    assert_eq!((status, headers[LOCATION].as_bytes()), (303, &b"/cart"[..]));
    let cookie = headers[SET_COOKIE].to_str().unwrap().split(';').next().unwrap();
    let mut at_checkout = request("GET", "/checkout", "");
    at_checkout.headers_mut().insert(COOKIE, cookie.parse().unwrap());
    let (_, _, body) = send(&shop, at_checkout).await;
    assert!(body.contains("/p/1003") && body.contains("Cart (1)"), "{body}");
}

#[tokio::test]
async fn what_was_typed_is_shown_and_not_obeyed() {
    let shop = open_shop(20).await;
    let (status, _, body) = get(&shop, "/search?q=%3Cscript%3Ealert(1)%3C/script%3E").await;
    assert_eq!(status, 200);
    assert!(body.contains("&lt;script&gt;") && !body.contains("<script>alert"), "{body}");
}

#[tokio::test]
async fn the_probes_answer() {
    let shop = open_shop(1).await;
    let (_, headers, body) = get(&shop, "/stream?n=3&ms=1").await;
    assert_eq!(
        (headers["transfer-encoding"].as_bytes(), &*body),
        (&b"chunked"[..], "chunk 0\nchunk 1\nchunk 2\n")
    );
    let (_, _, body) = send(&shop, request("POST", "/echo", "as it is")).await;
    assert_eq!(body, "as it is");
    assert!(get(&shop, "/headers").await.2.contains("x-seen: yes\n"));
    assert_eq!(get(&shop, "/slow?ms=1").await.0, 200);
    assert_eq!(get(&shop, "/ws").await.0, 404, "without an upgrade it is no page");
    let (_, _, body) = get(&shop, "/robots.txt").await;
    assert_eq!(body, "User-agent: *\nDisallow:\n");
}

#[tokio::test]
async fn an_upgraded_connection_returns_every_byte() {
    let shop = open_shop(1).await;
    let mut stream = TcpStream::connect(shop.address()).await.unwrap();
    stream
        .write_all(
            b"GET /ws HTTP/1.1\r\nhost: shop\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n",
        )
        .await
        .unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
    stream.write_all(b"\x00raw\xff").await.unwrap();
    let mut echoed = [0; 5];
    stream.read_exact(&mut echoed).await.unwrap();
    assert_eq!(&echoed, b"\x00raw\xff");
}

#[tokio::test]
async fn a_closed_shop_hangs_up() {
    let shop = open_shop(1).await;
    let mut stream = TcpStream::connect(shop.address()).await.unwrap();
    stream.write_all(b"HEAD / HTTP/1.1\r\nhost: shop\r\n\r\n").await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    drop(shop);
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty(), "HEAD has no body");
}
