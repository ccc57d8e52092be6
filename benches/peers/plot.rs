//! Draws the results: one panel a size, one bar a candidate.

use plotters::prelude::*;

use crate::results::Row;

const OURS: RGBColor = RGBColor(0x1f, 0x6f, 0xb2);
const OTHERS: RGBColor = RGBColor(0x9a, 0xa5, 0xb1);

type Failure = Box<dyn std::error::Error>;

pub(crate) fn draw(rows: &[Row], path: &str) -> Result<(), Failure> {
    let mut sizes: Vec<_> = rows.iter().map(|row| row.bytes).collect();
    sizes.sort_unstable();
    sizes.dedup();
    let most = sizes
        .iter()
        .map(|size| rows.iter().filter(|row| row.bytes == *size).count())
        .max()
        .unwrap_or(0);
    let height = 40 + 22 * u32::try_from(most)?;
    let panels = u32::try_from(sizes.len())?;
    let root = SVGBackend::new(path, (900, height * panels)).into_drawing_area();
    root.fill(&WHITE)?;
    for (size, area) in sizes.iter().zip(root.split_evenly((sizes.len(), 1))) {
        let rows: Vec<_> = rows.iter().filter(|row| row.bytes == *size).collect();
        panel(*size, &rows, &area)?;
    }
    root.present()?;
    Ok(())
}

fn panel(
    size: usize,
    rows: &[&Row],
    area: &DrawingArea<SVGBackend<'_>, plotters::coord::Shift>,
) -> Result<(), Failure> {
    let highest = rows.iter().map(|row| row.rate).fold(1.0, f64::max);
    let title = format!(
        "{} KiB: deliveries a second on one core (CPU a delivery)",
        size >> 10
    );
    area.draw(&Text::new(title, (12, 10), ("sans-serif", 15).into_font()))?;
    for (line, row) in (0..).zip(rows) {
        let top = 36 + 22 * line;
        let color = if row.is_ours() { OURS } else { OTHERS };
        let length = 450.0 * row.rate / highest;
        let right = 320 + length.round() as i32;
        let font = ("sans-serif", 13).into_font();
        let name = row.name.clone();
        area.draw(&Text::new(name, (12, top), font.clone()))?;
        let bar = [(320, top - 1), (right.max(321), top + 14)];
        area.draw(&Rectangle::new(bar, color.filled()))?;
        let figure = format!("{:.0}  ({:.0} µs)", row.rate, row.cpu);
        area.draw(&Text::new(figure, (right + 8, top), font))?;
    }
    Ok(())
}
