use super::*;
struct L;
impl log::Log for L {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool { true }
    fn log(&self, r: &log::Record<'_>) { if r.target().starts_with("pingora") { println!("{:?} {} {}", std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros() % 100_000_000, r.target(), r.args()); } }
    fn flush(&self) {}
}
#[test]
fn probe() {
    log::set_boxed_logger(Box::new(L)).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let origin = Origin::start();
    let gate = super::gate(&origin, "");
    for i in 0..400 {
        println!("--- {i}");
        let mut client = Client::connect(gate.addr());
        client.send(
            "GET /upgrade HTTP/1.1\r\nHost: shop.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
        );
        assert_eq!(client.head().0, 101);
        for (word, expect) in [("hello", "HELLO"), ("again", "AGAIN")] {
            client.send(word);
            assert_eq!(client.read(5), expect);
        }
    }
}
