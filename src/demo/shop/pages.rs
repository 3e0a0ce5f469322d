//! The HTML of the toy shop. Each page is a function that returns text: a dozen pages need no
//! template engine.

use std::fmt::Write;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use traffic::sim::{Listing, PageKind, Product, Site, Sort};

/// The HTML of any page of the shop.
pub(super) fn page(site: &Site, kind: &PageKind, cart: &[u32]) -> String {
    match kind {
        PageKind::Home => frame(site, cart, "Kidoban Toy Shop", &home(site)),
        PageKind::Category(index, sort, under_yen, listing) => {
            let slug = site.catalogue().categories()[usize::from(*index)].slug;
            frame(site, cart, &title(slug), &category(site, slug, *sort, *under_yen, listing))
        }
        PageKind::Search(words, listing) => {
            frame(site, cart, &format!("Search: {}", escape(words)), &found(site, words, listing))
        }
        PageKind::Product(id) => match site.catalogue().product(*id) {
            Some(shown) => frame(site, cart, &shown.name, &product(site, shown)),
            None => frame(site, cart, "Not found", "<p>No such product.</p>"),
        },
        PageKind::Cart => frame(site, cart, "Your cart", &cart_page(site, cart)),
        PageKind::Checkout => frame(site, cart, "Checkout", &checkout(site, cart)),
        PageKind::CheckoutComplete => frame(
            site,
            cart,
            "Thank you",
            "<p>Your order is on its way, in a manner of speaking.</p>",
        ),
        PageKind::Login => frame(site, cart, "Log in", LOGIN_FORM),
        PageKind::LoginRefused => frame(
            site,
            cart,
            "Log in",
            &format!("<p class=\"bad\">That name and password do not match.</p>{LOGIN_FORM}"),
        ),
        PageKind::Account => frame(site, cart, "Your account", "<p>No orders yet.</p>"),
        PageKind::CartAdd(_) | PageKind::LoginAccepted => {
            frame(site, cart, "One moment", "<p>You are being taken on.</p>")
        }
        PageKind::WrongMethod => {
            frame(site, cart, "Not like this", "<p>This page does not take that method.</p>")
        }
        _ => frame(
            site,
            cart,
            "Not found",
            "<p>There is no such page. <a href=\"/\">Back to the shop</a></p>",
        ),
    }
}

/// Suggestions for the search box: a JSON array of product names.
pub(super) fn suggestions(site: &Site, words: &str) -> String {
    let wanted = words.to_lowercase();
    let names = site.catalogue().products().iter().map(|product| &product.name);
    let hits: Vec<&String> =
        names.filter(|name| name.to_lowercase().contains(&wanted)).take(8).collect();
    serde_json::to_string(&hits).unwrap_or_else(|_| "[]".to_owned())
}

fn frame(site: &Site, cart: &[u32], title: &str, body: &str) -> String {
    let mut shelves = String::new();
    for category in site.catalogue().categories() {
        let _ =
            write!(shelves, "<a href=\"/c/{}\">{}</a> ", category.slug, self::title(category.slug));
    }
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <link rel=\"stylesheet\" href=\"/assets/app.css\"><link rel=\"icon\" \
         href=\"/favicon.ico\">\
         <script src=\"/assets/app.js\" defer></script></head><body><header><a class=\"name\" \
         href=\"/\">Kidoban Toy Shop</a>\
         <form action=\"/search\"><input name=\"q\" list=\"hints\" placeholder=\"Search\" \
         aria-label=\"Search\" autocomplete=\"off\">\
         <datalist id=\"hints\"></datalist><button>Search</button></form>\
         <a href=\"/cart\">Cart ({})</a><a href=\"/login\">Log in</a></header><nav>{shelves}</nav>\
         <main><h1>{title}</h1>{body}</main><footer>Nothing here is for \
         sale.</footer></body></html>",
        cart.len()
    )
}

fn home(site: &Site) -> String {
    format!(
        "<p>Good things for the house, none of which exist.</p>{}",
        cards(site, &site.featured())
    )
}

fn category(
    site: &Site,
    slug: &str,
    sort: Sort,
    under_yen: Option<u32>,
    listing: &Listing,
) -> String {
    let under = under_yen.map_or(String::new(), |yen| format!("&amp;under={yen}"));
    let mut tools = String::from("<p class=\"tools\">");
    for choice in [Sort::Popular, Sort::Price, Sort::New] {
        let _ = write!(
            tools,
            "<a href=\"/c/{slug}?sort={}{under}\">{}</a> ",
            choice.name(),
            choice.name()
        );
    }
    let _ = write!(tools, "<a href=\"/c/{slug}?under=3000\">under ¥3,000</a></p>");
    let base = format!("/c/{slug}?sort={}{under}&amp;", sort.name());
    format!("{tools}{}{}", cards(site, &listing.products), pager(&base, listing))
}

fn found(site: &Site, words: &str, listing: &Listing) -> String {
    if listing.products.is_empty() {
        return "<p>Nothing found.</p>".to_owned();
    }
    let base = format!("/search?q={}&amp;", encode(words));
    format!("{}{}", cards(site, &listing.products), pager(&base, listing))
}

fn cards(site: &Site, ids: &[u32]) -> String {
    let mut out = String::from("<ul class=\"cards\">");
    for product in ids.iter().filter_map(|id| site.catalogue().product(*id)) {
        let Product { id, name, price_yen, .. } = product;
        let _ = write!(
            out,
            "<li><a href=\"/p/{id}\"><img src=\"/img/p/{id}-1.jpg\" width=\"180\" height=\"150\" \
                loading=\"lazy\" \
             alt=\"\"><b>{name}</b></a> ¥{price_yen}</li>"
        );
    }
    out + "</ul>"
}

fn pager(base: &str, listing: &Listing) -> String {
    let mut out = String::from("<p class=\"pager\">");
    for number in 1..=listing.pages {
        if number == listing.number {
            let _ = write!(out, "<b>{number}</b> ");
        } else {
            let _ = write!(out, "<a href=\"{base}page={number}\">{number}</a> ");
        }
    }
    out + "</p>"
}

fn product(site: &Site, product: &Product) -> String {
    let Product { id, name, price_yen, category, images } = product;
    let slug = site.catalogue().categories()[usize::from(*category)].slug;
    let mut views = String::new();
    for number in 1..=*images {
        let _ = write!(views, "<a class=\"view\" href=\"/img/p/{id}-{number}.jpg\">{number}</a> ");
    }
    format!(
        "<p><a href=\"/c/{slug}\">{}</a></p><div class=\"product\"><div><img id=\"picture\" \
            src=\"/img/p/{id}-1.jpg\" \
         width=\"360\" height=\"300\" alt=\"{name}\"><p>{views}</p></div><div><p \
         class=\"price\">¥{price_yen}</p>\
         <p id=\"stock\">In stock</p><p data-product=\"{id}\"><button class=\"size\">s</button> \
         <button class=\"size\">m</button> <button class=\"size\">l</button></p>\
         <form method=\"post\" action=\"/cart/add\"><input type=\"hidden\" name=\"id\" \
         value=\"{id}\">\
         <input name=\"quantity\" value=\"1\" size=\"2\" aria-label=\"Quantity\"> <button>Add to \
         cart</button></form>\
         </div></div><h2>Beside it on the shelf</h2>{}",
        title(slug),
        cards(site, &site.related(*id))
    )
}

fn cart_page(site: &Site, cart: &[u32]) -> String {
    if cart.is_empty() {
        return "<p>It is empty.</p>".to_owned();
    }
    format!("{}<p><a class=\"go\" href=\"/checkout\">Check out</a></p>", bill(site, cart))
}

fn checkout(site: &Site, cart: &[u32]) -> String {
    format!(
        "{}<form method=\"post\" action=\"/checkout/complete\"><label>Name <input \
            name=\"name\"></label> \
         <label>Pay <select name=\"pay\"><option value=\"on_delivery\">on \
         delivery</option></select></label> \
         <button>Order</button></form>",
        bill(site, cart)
    )
}

fn bill(site: &Site, cart: &[u32]) -> String {
    let products: Vec<&Product> =
        cart.iter().filter_map(|id| site.catalogue().product(*id)).collect();
    let mut out = String::from("<table>");
    for Product { id, name, price_yen, .. } in &products {
        let _ =
            write!(out, "<tr><td><a href=\"/p/{id}\">{name}</a></td><td>¥{price_yen}</td></tr>");
    }
    let total: u32 = products.iter().map(|product| product.price_yen).sum();
    let _ = write!(out, "<tr><th>Total</th><th>¥{total}</th></tr></table>");
    out
}

/// The heading for a category's slug: its first letter becomes a capital.
fn title(slug: &str) -> String {
    let mut letters = slug.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Escapes text for HTML, so that what a visitor typed cannot become markup.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Encodes text as the value of a query parameter.
fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string().replace("%20", "+")
}

const LOGIN_FORM: &str = "<form method=\"post\" action=\"/login\"><label>Name <input name=\"user\" \
    autocomplete=\"username\"></label> \
<label>Password <input type=\"password\" name=\"password\" \
autocomplete=\"current-password\"></label> <button>Log in</button></form>";

pub(super) const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884;--accent:#2b5f75}
body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:0 auto;padding:0 1rem}
header{display:flex;gap:1rem;align-items:center;flex-wrap:wrap;padding:1rem 0;\
border-bottom:1px solid var(--line)}
header form{flex:1;display:flex;gap:.4rem}header input{flex:1;min-width:8rem}
.name{font-weight:700;font-size:1.2rem;text-decoration:none}
nav{padding:.6rem 0;font-size:.9rem}a{color:var(--accent)}
@media(prefers-color-scheme:dark){a{color:#8cc4da}}
input,select,button{font:inherit;padding:.3rem .6rem}
.cards{list-style:none;padding:0;display:grid;grid-template-columns:repeat(auto-fill,minmax(11rem,1fr));gap:1rem}
.cards img,.product img{max-width:100%;height:auto;border-radius:.4rem;display:block}
.cards b{font-weight:500}\
.product{display:flex;gap:2rem;flex-wrap:wrap}.price{font-size:1.6rem;margin:0}
.bad{color:#b3261e}td,th{padding:.2rem 1rem .2rem 0;text-align:left}
footer{margin:3rem 0 1rem;font-size:.85rem;opacity:.7}
";

pub(super) const SCRIPT: &str = "\
const search=document.querySelector('header input'),hints=document.getElementById('hints');let \
timer;
search.addEventListener('input',()=>{clearTimeout(timer);if(search.value.length<2)return;timer=setTimeout(async()=>{
const names=await(await fetch('/api/suggest?q='+encodeURIComponent(search.value))).json();
hints.replaceChildren(...names.map(name=>new Option(name)))},200)});
for(const view of document.querySelectorAll('.view'))view.addEventListener('click',event=>{
event.preventDefault();document.getElementById('picture').src=view.href});
for(const size of document.querySelectorAll('.size'))size.addEventListener('click',async()=>{
const id=size.parentElement.dataset.product,stock=await(await \
fetch('/api/stock/'+id+'?size='+size.textContent)).json();
document.getElementById('stock').textContent=stock.in_stock?'In stock':'Sold out'});
";
