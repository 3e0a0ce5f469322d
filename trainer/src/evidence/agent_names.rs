//! Names by which robots, tools and libraries make themselves known, in lower case.

/// Crawlers of search engines, previews of messengers, and monitors: whole words. In-app browsers
/// (`[Pinterest/iOS]`, `DuckDuckGo/7`) carry people, so plain names of such services are absent.
pub(super) const GOOD_ROBOTS: &[&str] = &[
    // Search engines.
    "googlebot",
    "storebot",
    "adsbot",
    "mediapartners",
    "feedfetcher",
    "googleother",
    "bingbot",
    "bingpreview",
    "adidxbot",
    "msnbot",
    "slurp",
    "duckduckbot",
    "baiduspider",
    "yandexbot",
    "yandeximages",
    "yandexmobilebot",
    "applebot",
    "petalbot",
    "seznambot",
    "yeti",
    "mojeekbot",
    "qwantbot",
    "coccocbot",
    // Previews of links.
    "facebookexternalhit",
    "facebookcatalog",
    "twitterbot",
    "linkedinbot",
    "slackbot",
    "telegrambot",
    "whatsapp",
    "discordbot",
    "pinterestbot",
    "redditbot",
    "skypeuripreview",
    "embedly",
    "iframely",
    "vkshare",
    "mastodon",
    // Readers of feeds.
    "feedly",
    "feedburner",
    "feedbin",
    "inoreader",
    "newsblur",
    "netnewswire",
    "freshrss",
    "miniflux",
    "bloglovin",
    "theoldreader",
    "liferea",
    "akregator",
    // Monitors and health checks.
    "uptimerobot",
    "pingdom",
    "statuscake",
    "site24x7",
    "hetrixtools",
    "betteruptime",
    "healthchecker",
    "googlehc",
    "kube",
    "route53",
    "newrelicpinger",
    "nagios",
    "zabbix",
    "datadog",
    "blackbox",
];

/// What only monitors and feed readers call themselves: whole words, where no device is described.
pub(super) const WATCHERS: &[&str] =
    &["monitor", "monitoring", "uptime", "healthcheck", "feed", "feedparser", "feedreader", "rss"];

/// What robots call themselves: whole words, where no device is described.
pub(super) const ROBOT_WORDS: &[&str] = &[
    "bot",
    "robot",
    "crawl",
    "crawler",
    "crawling",
    "spider",
    "scraper",
    "scraping",
    "scrapy",
    "archiver",
    "fetcher",
    "fetch",
    "harvester",
    "scanner",
    "libwww",
    "mechanize",
    "netcraft",
    "nutch",
    "xenu",
];

/// What robots' names end in.
pub(super) const ROBOT_ENDINGS: &[&str] = &["bot", "crawler", "spider", "scraper"];

/// Driven browsers, scanners and tools that mirror sites: whole words, if no device is described.
pub(super) const TOOLS: &[&str] = &[
    "headlesschrome",
    "headless",
    "phantomjs",
    "slimerjs",
    "selenium",
    "puppeteer",
    "playwright",
    "nikto",
    "sqlmap",
    "nmap",
    "masscan",
    "zgrab",
    "w3af",
    "acunetix",
    "netsparker",
    "wpscan",
    "nuclei",
    "gobuster",
    "dirbuster",
    "feroxbuster",
    "nessus",
    "openvas",
    "httrack",
    "webcopier",
    "webzip",
];

/// Browsers whose comment begins with `compatible;`. Everybody else who writes that is a robot.
pub(super) const COMPATIBLE_BROWSERS: &[&str] =
    &["avantgo", "ibrowse", "konqueror", "msie", "netfront", "windows"];

/// HTTP libraries and command lines. A user agent begins with them, maybe with a hyphen behind.
pub(super) const LIBRARIES: &[&str] = &[
    "aiohttp",
    "apache-httpclient",
    "axios",
    "bun",
    "colly",
    "curl",
    "deno",
    "fasthttp",
    "faraday",
    "go-http-client",
    "go-resty",
    "got",
    "guzzle",
    "guzzlehttp",
    "httpclient",
    "http-client",
    "httpie",
    "insomnia",
    "jakarta",
    "java",
    "libcurl",
    "libwww",
    "lwp",
    "mechanize",
    "node",
    "node-fetch",
    "perl",
    "php",
    "postmanruntime",
    "pycurl",
    "python",
    "reqwest",
    "rest-client",
    "restsharp",
    "ruby",
    "typhoeus",
    "undici",
    "ureq",
    "wget",
    "winhttp",
    "wordpress",
];

/// What browsers' user agents begin with.
pub(super) const BROWSERS: &[&str] = &["mozilla", "opera"];

/// Libraries of which apps are made. A user agent begins with them.
pub(super) const APPS: &[&str] = &["alamofire", "cfnetwork", "dalvik", "dart", "okhttp", "volley"];
