//! The page of a challenge: one HTML document that loads nothing.
//!
//! It works without JavaScript: the visitor waits and presses the button. With JavaScript in a
//! secure context the browser does a little work instead and sends the form itself. WebCrypto is
//! not there on plain http; then the script waits and sends the form. After a failure there is no
//! script, so that no browser fails over and over by itself.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::request::Language;

/// What the page says and holds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Contents<'a> {
    pub(super) language: Language,
    /// Where the form goes.
    pub(super) path: &'a str,
    pub(super) token: &'a str,
    pub(super) target: &'a str,
    pub(super) wait_s: u64,
    pub(super) bits: u32,
    /// The visitor has just failed.
    pub(super) has_failed: bool,
    /// Names this page's style and script in its content security policy.
    pub(super) nonce: &'a str,
}

/// What the page says in one language.
struct Texts {
    lang: &'static str,
    title: &'static str,
    why: &'static str,
    failed: &'static str,
    wait: fn(u64) -> String,
    button: &'static str,
    working: &'static str,
    done: &'static str,
}

const ENGLISH: Texts = Texts {
    lang: "en",
    title: "One moment, please",
    why: "This shop gets many requests from your connection. A short check lets you go on. Nothing \
          is stored on your device.",
    failed: "That did not work. Please try once more.",
    wait: |seconds| format!("Please wait {seconds} seconds, then press the button."),
    button: "Continue to the shop",
    working: "Checking your browser. You will be taken on by yourself.",
    done: "Done. Taking you on.",
};

const JAPANESE: Texts = Texts {
    lang: "ja",
    title: "少々お待ちください",
    why: "お使いの接続からのアクセスが集中しています。簡単な確認のあと、引き続きご覧いただけます。\
          端末には何も保存されません。",
    failed: "確認できませんでした。もう一度お試しください。",
    wait: |seconds| format!("{seconds}秒ほど待ってから、ボタンを押してください。"),
    button: "ショップへ進む",
    working: "ブラウザを確認しています。自動的に移動します。",
    done: "確認できました。移動します。",
};

/// Text of 16:1 contrast in both schemes, sizes in rem so that a zoom of 200 % wraps, and nothing
/// that moves.
const STYLE: &str = ":root{color-scheme:light dark}\
    body{margin:0;font:1.125rem/1.6 system-ui,sans-serif;background:#fff;color:#1a1a1a}\
    main{max-width:34rem;margin:10vh auto;padding:0 1.25rem}\
    h1{font-size:1.5rem;line-height:1.3}\
    button{font:inherit;padding:.75rem 1.5rem;border:2px solid #0b4fa3;border-radius:.375rem;\
    background:#0b4fa3;color:#fff;cursor:pointer}\
    button:focus-visible{outline:3px solid #c25700;outline-offset:3px}\
    @media(prefers-color-scheme:dark){body{background:#16181b;color:#f2f2f2}}\
    @media(prefers-reduced-motion:reduce){*{animation:none!important;transition:none!important}}";

/// In a block, because `status` is a name of the window. Hashes go out 256 at a time, because a
/// promise for each alone costs more than the hash.
const SCRIPT: &str = r#"{const form=document.getElementById("form"),
status=document.getElementById("status"),fields=form.elements;
const send=()=>{status.textContent=form.dataset.done;form.submit()};
const later=()=>setTimeout(send,form.dataset.wait*1000+250);
const zeros=hash=>{let count=0;for(const byte of hash){if(byte)return count+Math.clz32(byte)-24;
count+=8}return count};
async function solve(){const text=new TextEncoder(),bits=+form.dataset.bits;
for(let from=0;;from+=256){const hashes=await Promise.all(Array.from({length:256},(_,n)=>
crypto.subtle.digest("SHA-256",text.encode(fields.token.value+"."+(from+n)))));
const found=hashes.findIndex(hash=>zeros(new Uint8Array(hash))>=bits);
if(found>=0){fields.proof.value=from+found;return send()}}}
status.textContent=form.dataset.working;
if(window.isSecureContext&&window.crypto&&crypto.subtle)solve().catch(later);else later()}"#;

impl Language {
    const fn texts(self) -> &'static Texts {
        match self {
            Self::English => &ENGLISH,
            Self::Japanese => &JAPANESE,
        }
    }

    /// As `Content-Language` has it.
    pub const fn code(self) -> &'static str {
        self.texts().lang
    }
}

/// The document.
pub(super) fn page(contents: Contents<'_>) -> String {
    let Contents { language, path, token, target, wait_s, bits, has_failed, nonce } = contents;
    let texts = language.texts();
    let markup: Markup = html! {
        (DOCTYPE)
        html lang=(texts.lang) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width,initial-scale=1";
                meta name="robots" content="noindex,nofollow";
                title { (texts.title) }
                style nonce=(nonce) { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    h1 { (texts.title) }
                    p { (texts.why) }
                    p #status role="status" {
                        @if has_failed { (texts.failed) " " }
                        ((texts.wait)(wait_s))
                    }
                    form #form method="post" action=(path) data-wait=(wait_s) data-bits=(bits)
                        data-working=(texts.working) data-done=(texts.done) {
                        input type="hidden" name="token" value=(token);
                        input type="hidden" name="target" value=(target);
                        input type="hidden" name="proof" value="";
                        button type="submit" { (texts.button) }
                    }
                }
                @if !has_failed {
                    script nonce=(nonce) { (PreEscaped(SCRIPT)) }
                }
            }
        }
    };
    markup.into_string()
}

/// Nothing is loaded, nothing is run but what carries the nonce, and forms go to the shop.
pub(super) fn security_policy(nonce: &str) -> String {
    format!(
        "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; form-action \
         'self'; base-uri 'none'; frame-ancestors 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENTS: Contents<'_> = Contents {
        language: Language::English,
        path: "/check",
        token: "1-2-3",
        target: "/p?a=1&b=\"><script>",
        wait_s: 5,
        bits: 15,
        has_failed: false,
        nonce: "n0nce",
    };

    #[test]
    fn a_page_says_its_language_and_escapes_its_target() {
        let english = page(CONTENTS);
        assert!(english.contains("<html lang=\"en\">") && english.contains("wait 5 seconds"));
        assert!(english.contains("value=\"/p?a=1&amp;b=&quot;&gt;&lt;script&gt;\""), "{english}");
        assert_eq!(english.matches("<script").count(), 1);
        let japanese = page(Contents { language: Language::Japanese, ..CONTENTS });
        assert!(japanese.contains("<html lang=\"ja\">") && japanese.contains("5秒"));
    }

    #[test]
    fn a_page_loads_nothing_and_does_not_try_again_by_itself_after_a_failure() {
        let shown = page(CONTENTS);
        for outside in ["src=", "href=", "url(", "http:", "https:", "@import"] {
            assert!(!shown.contains(outside), "{outside} in {shown}");
        }
        let failed = page(Contents { has_failed: true, ..CONTENTS });
        assert!(!failed.contains("<script") && failed.contains("try once more"));
    }
}
