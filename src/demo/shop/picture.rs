//! Product pictures: a few hundred bytes of SVG, different for each product and view.

/// The `number`-th picture of a product.
pub(super) fn draw(id: u32, number: u8) -> String {
    // The golden angle spreads neighbouring ids over the colour circle.
    let hue = (u64::from(id) * 137 + 210) % 360;
    let view = u32::from(number);
    let (width, height) = (70 + id % 5 * 12, 60 + (id / 5) % 6 * 12);
    let turn = (view * 25 + id % 40) % 90;
    let round = id % 4 * 12;
    let (x, y) = (120 - width / 2, 100 - height / 2);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 240 200\">\
         <rect width=\"240\" height=\"200\" fill=\"hsl({hue} 30% 92%)\"/>\
         <ellipse cx=\"120\" cy=\"172\" rx=\"70\" ry=\"10\" fill=\"hsl({hue} 20% 80%)\"/>\
         <rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"{round}\" \
         fill=\"hsl({hue} 45% 45%)\" transform=\"rotate({turn} 120 100)\"/></svg>"
    )
}
