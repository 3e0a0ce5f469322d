//! The catalogue of the toy shop: products, categories and search words.
//!
//! Categories differ in size. The popularity of products follows a Zipf law: a few products that
//! everybody looks at, and a long tail that mostly scrapers see. A search finds products by the
//! words of their names. Everything comes from one seed, and takes about 300 KB for 2,000 products.

use std::collections::BTreeMap;

use super::dice::Dice;

/// Products on a list page; a common default of shop systems.
pub(super) const PER_PAGE: usize = 20;

/// The first product number. Shops seldom begin at 1, and four digits keep URLs equally long.
const FIRST_ID: u32 = 1_001;

/// A product.
#[derive(Clone, Debug)]
pub struct Product {
    /// Its number in URLs.
    pub id: u32,
    /// Its name, three words.
    pub name: String,
    /// Price in yen, tax included.
    pub price_yen: u32,
    /// Index of its category.
    pub category: u16,
    /// How many pictures it has: 2 to 8, or an equal number for all in
    /// [`Site::full`](super::Site::full).
    pub images: u8,
}

/// A category of products.
#[derive(Clone, Debug)]
pub struct Category {
    /// Its name in URLs.
    pub slug: &'static str,
    /// Product ids, most popular first.
    pub products: Vec<u32>,
}

/// The order of a list page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Sort {
    /// Most popular first.
    #[default]
    Popular,
    /// Cheapest first.
    Price,
    /// Newest first.
    New,
}

/// All products and categories, with how popular each is.
#[derive(Clone, Debug)]
pub struct Catalogue {
    products: Vec<Product>,
    categories: Vec<Category>,
    /// Running sum of the popularity of `products`, from which products are drawn.
    popularity: Vec<f64>,
    /// For every word of a name, in lower case, the products with that word.
    words: BTreeMap<String, Vec<u32>>,
}

impl Sort {
    /// Its name in URLs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Popular => "popular",
            Self::Price => "price",
            Self::New => "new",
        }
    }

    /// The order with this name in URLs.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Popular, Self::Price, Self::New].into_iter().find(|sort| sort.name() == name)
    }
}

impl Catalogue {
    /// A catalogue with this many products (at least one) and categories (1 to 24).
    pub fn new(seed: u64, products: usize, categories: usize) -> Self {
        let mut dice = Dice::new(seed);
        let shelves = &SHELVES[..categories.clamp(1, SHELVES.len())];
        let shelf_weights: Vec<f64> = shelves.iter().map(|_| dice.lognormal(1.0, 0.6)).collect();
        let count = u32::try_from(products.max(1)).unwrap_or(u32::MAX - FIRST_ID);
        let products: Vec<Product> = (0..count)
            .map(|index| Product::draw(FIRST_ID + index, &shelf_weights, &mut dice))
            .collect();
        let weights = zipf(products.len(), &mut dice);

        let mut by_popularity: Vec<usize> = (0..products.len()).collect();
        by_popularity.sort_by(|a, b| weights[*b].total_cmp(&weights[*a]));
        let mut categories: Vec<Category> =
            shelves.iter().map(|(slug, _)| Category { slug, products: Vec::new() }).collect();
        let mut words: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for product in by_popularity.into_iter().map(|index| &products[index]) {
            categories[usize::from(product.category)].products.push(product.id);
            for word in product.name.to_lowercase().split(' ') {
                words.entry(word.to_owned()).or_default().push(product.id);
            }
        }
        let popularity = weights
            .iter()
            .scan(0.0, |sum, weight| {
                *sum += weight;
                Some(*sum)
            })
            .collect();
        Self { products, categories, popularity, words }
    }

    /// Gives every product this many pictures (at least one).
    pub fn with_galleries(mut self, images: u8) -> Self {
        self.products.iter_mut().for_each(|product| product.images = images.max(1));
        self
    }

    /// The product with this id.
    pub fn product(&self, id: u32) -> Option<&Product> {
        self.products.get(id.checked_sub(FIRST_ID)? as usize)
    }

    /// All products, in order of their ids.
    pub fn products(&self) -> &[Product] {
        &self.products
    }

    /// All categories.
    pub fn categories(&self) -> &[Category] {
        &self.categories
    }

    /// The index of the category with this slug.
    pub fn category(&self, slug: &str) -> Option<u16> {
        let index = self.categories.iter().position(|category| category.slug == slug)?;
        u16::try_from(index).ok()
    }

    /// The product ids of a category in this order, without those that cost more than `under_yen`.
    pub fn shelf(&self, category: u16, sort: Sort, under_yen: Option<u32>) -> Vec<u32> {
        let Some(category) = self.categories.get(usize::from(category)) else { return Vec::new() };
        let price = |id: &u32| self.product(*id).map_or(0, |product| product.price_yen);
        let mut ids = category.products.clone();
        ids.retain(|id| under_yen.is_none_or(|limit| price(id) <= limit));
        match sort {
            Sort::Popular => {}
            Sort::Price => ids.sort_by_key(price),
            Sort::New => ids.sort_by_key(|id| std::cmp::Reverse(*id)),
        }
        ids
    }

    /// The ids of products whose names contain all words of `query`, most popular first.
    pub fn search(&self, query: &str) -> Vec<u32> {
        let query = query.to_lowercase();
        let mut found: Option<Vec<u32>> = None;
        for word in query.split_whitespace() {
            match &mut found {
                None => found = Some(self.words.get(word).cloned().unwrap_or_default()),
                // Comparing names is quicker than searching another list of a thousand for each.
                Some(found) => found
                    .retain(|id| self.product(*id).is_some_and(|product| product.is_called(word))),
            }
        }
        found.unwrap_or_default()
    }

    /// All words of product names, in lower case and in alphabetical order.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.words.keys().map(String::as_str)
    }

    /// The id of a random product. Popular products are drawn more often.
    pub fn draw(&self, dice: &mut Dice) -> u32 {
        let total = self.popularity.last().copied().unwrap_or(0.0);
        let at = dice.unit() * total;
        let index = self.popularity.partition_point(|sum| *sum <= at).min(self.products.len() - 1);
        self.products[index].id
    }

    /// The index of a random category. Large categories are drawn more often.
    pub fn draw_category(&self, dice: &mut Dice) -> u16 {
        self.products[dice.below(self.products.len())].category
    }
}

impl Product {
    /// Whether this is a word of its name; case does not matter.
    fn is_called(&self, word: &str) -> bool {
        self.name.split(' ').any(|own| own.eq_ignore_ascii_case(word))
    }

    fn draw(id: u32, shelf_weights: &[f64], dice: &mut Dice) -> Self {
        let category = dice.weighted(shelf_weights);
        let noun = dice.pick(SHELVES[category].1);
        let name = format!("{} {} {noun}", dice.pick(LOOKS), dice.pick(MATERIALS));
        let price_yen = (dice.lognormal(3_200.0, 0.8).clamp(280.0, 90_000.0) / 10.0) as u32 * 10;
        Self { id, name, price_yen, category: category as u16, images: 2 + dice.below(7) as u8 }
    }
}

/// A popularity for each of `count` products: a Zipf law over random ranks. The exponent (0.8 to
/// 1.1) and the shift by 3 resemble the page views of real shops, where the most popular product is
/// no outlier.
fn zipf(count: usize, dice: &mut Dice) -> Vec<f64> {
    let exponent = dice.between(0.8, 1.1);
    let mut ranks: Vec<usize> = (0..count).collect();
    dice.shuffle(&mut ranks);
    ranks.into_iter().map(|rank| (rank as f64 + 3.0).powf(-exponent)).collect()
}

const LOOKS: &[&str] = &[
    "Indigo", "Plain", "Classic", "Small", "Large", "Round", "Square", "Tall", "Quiet", "Bright",
    "Dark", "Pale", "Everyday", "Festive", "Folding", "Travel", "Heavy", "Light", "Old", "New",
    "Checked", "Striped",
];

const MATERIALS: &[&str] = &[
    "Linen", "Cotton", "Hemp", "Wool", "Oak", "Cedar", "Bamboo", "Walnut", "Iron", "Steel",
    "Copper", "Brass", "Glass", "Stone", "Clay", "Lacquer", "Paper", "Leather", "Silk", "Enamel",
];

/// The slug of each category, and the nouns in the names of its products.
const SHELVES: &[(&str, &[&str])] = &[
    ("kettles", &["Kettle", "Pot"]),
    ("teaware", &["Teapot", "Cup", "Tray"]),
    ("knives", &["Knife", "Cleaver", "Whetstone"]),
    ("bowls", &["Bowl", "Dish"]),
    ("aprons", &["Apron"]),
    ("towels", &["Towel", "Cloth"]),
    ("lamps", &["Lamp", "Lantern"]),
    ("chairs", &["Chair", "Stool", "Bench"]),
    ("tables", &["Table", "Desk"]),
    ("shelves", &["Shelf", "Rack"]),
    ("bags", &["Bag", "Basket", "Pouch"]),
    ("umbrellas", &["Umbrella"]),
    ("sandals", &["Sandals", "Clogs"]),
    ("shirts", &["Shirt", "Jacket"]),
    ("socks", &["Socks"]),
    ("hats", &["Hat", "Cap"]),
    ("notebooks", &["Notebook", "Album"]),
    ("pens", &["Pen", "Brush", "Inkstone"]),
    ("toys", &["Top", "Kite", "Doll"]),
    ("garden", &["Trowel", "Shears", "Planter"]),
    ("bath", &["Bucket", "Soap"]),
    ("bedding", &["Quilt", "Pillow"]),
    ("clocks", &["Clock"]),
    ("incense", &["Incense", "Burner"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_is_on_its_shelf_and_found_by_its_name() {
        let catalogue = Catalogue::new(5, 300, 24);
        assert_eq!(catalogue.products().len(), 300);
        assert_eq!(
            catalogue.categories().iter().map(|category| category.products.len()).sum::<usize>(),
            300
        );
        for product in catalogue.products() {
            assert!(catalogue.shelf(product.category, Sort::New, None).contains(&product.id));
            assert!(catalogue.search(&product.name).contains(&product.id), "{}", product.name);
        }
        assert!(catalogue.search("zeppelin").is_empty() && catalogue.search("").is_empty());
    }

    #[test]
    fn a_few_products_draw_most_of_the_looks() {
        let catalogue = Catalogue::new(5, 2_000, 24);
        let mut dice = Dice::new(1);
        let mut looks = BTreeMap::new();
        for _ in 0..20_000 {
            *looks.entry(catalogue.draw(&mut dice)).or_insert(0u32) += 1;
        }
        let mut counts: Vec<u32> = looks.into_values().collect();
        counts.sort_unstable_by_key(|count| std::cmp::Reverse(*count));
        let top: u32 = counts[..200].iter().sum();
        assert!((8_000..17_000).contains(&top), "the top tenth drew {top} of 20,000 looks");
    }

    #[test]
    fn shelves_come_in_the_order_asked_for() {
        let catalogue = Catalogue::new(5, 500, 4);
        let price = |id: u32| catalogue.product(id).unwrap().price_yen;
        let cheap = catalogue.shelf(0, Sort::Price, Some(3_000));
        assert!(cheap.windows(2).all(|pair| price(pair[0]) <= price(pair[1])));
        assert!(cheap.iter().all(|id| price(*id) <= 3_000));
        assert!(catalogue.shelf(0, Sort::New, None).windows(2).all(|pair| pair[0] > pair[1]));
    }
}
