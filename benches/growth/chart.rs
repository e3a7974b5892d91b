//! A line chart as SVG: one quantity by the number of something, readable on light and dark pages.

use std::fmt::Write;

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 52.0;
/// The right margin, for the labels at the ends of the lines.
const RIGHT: f64 = 124.0;
const TOP: f64 = 58.0;
const BOTTOM: f64 = 48.0;
/// The smallest distance at which two labels do not touch.
const LABEL_HEIGHT: f64 = 16.0;
const STYLE: &str = "
text { font: 12px system-ui, sans-serif; fill: #57606a }
.title { font-size: 14px; font-weight: 600; fill: #1f2328 }
.label { font-weight: 600 }
.card { fill: #ffffff; stroke: #d0d7de }
.grid { stroke: #eaeef2 }
.axis { stroke: #8c959f }
.s0 { stroke: #0550ae } text.s0, circle.s0 { fill: #0550ae; stroke: none }
.s1 { stroke: #bc4c00 } text.s1, circle.s1 { fill: #bc4c00; stroke: none }
.line { fill: none; stroke-width: 2; stroke-linejoin: round }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1 }
.title { fill: #f0f6fc }
.card { fill: #0d1117; stroke: #3d444d }
.grid { stroke: #21262d }
.axis { stroke: #656c76 }
.s0 { stroke: #79c0ff } text.s0, circle.s0 { fill: #79c0ff }
.s1 { stroke: #ffa657 } text.s1, circle.s1 { fill: #ffa657 }
}
";

/// A chart of one quantity by the number of something.
pub struct Chart {
    pub title: &'static str,
    /// What the vertical axis counts.
    pub unit: &'static str,
    /// What the horizontal axis counts.
    pub things: &'static str,
    pub scale: Scale,
    /// At most two, because the style has two colors.
    pub lines: Vec<Line>,
}

/// How the horizontal axis runs.
#[derive(Clone, Copy)]
pub enum Scale {
    Linear,
    Logarithmic,
}

pub struct Line {
    pub name: &'static str,
    pub points: Vec<(usize, f64)>,
}

impl Chart {
    pub fn svg(&self) -> String {
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" \
             height=\"{HEIGHT}\" role=\"img\">\n<title>{}, in {}, by {}</title>\n<style>{STYLE}</style>\n\
             <rect class=\"card\" x=\"0.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"6\"/>\n",
            self.title,
            self.unit,
            self.things,
            WIDTH - 1.0,
            HEIGHT - 1.0,
        );
        text(&mut svg, "title", "start", (16.0, 26.0), self.title);
        text(&mut svg, "", "start", (16.0, 44.0), self.unit);
        text(&mut svg, "", "middle", (f64::midpoint(LEFT, WIDTH - RIGHT), HEIGHT - 12.0), self.things);
        let step = step(self.highest());
        let top = (self.highest() / step).ceil() * step;
        self.draw_grid(&mut svg, step, top);
        self.draw_lines(&mut svg, top);
        svg.push_str("</svg>\n");
        svg
    }

    fn draw_grid(&self, svg: &mut String, step: f64, top: f64) {
        let mut value = 0.0;
        while value <= top + step / 2.0 {
            let (y, class) = (y(value, top), if value == 0.0 { "axis" } else { "grid" });
            put(svg, format_args!("<path class=\"{class}\" d=\"M{LEFT} {y:.1}H{:.1}\"/>", WIDTH - RIGHT));
            text(svg, "", "end", (LEFT - 8.0, y + 4.0), &number(value, step));
            value += step;
        }
        let mut counts: Vec<_> = self.lines.iter().flat_map(|line| &line.points).map(|(count, _)| *count).collect();
        counts.sort_unstable();
        counts.dedup();
        for count in counts {
            let x = self.x(count);
            put(svg, format_args!("<path class=\"axis\" d=\"M{x:.1} {:.1}v4\"/>", HEIGHT - BOTTOM));
            text(svg, "", "middle", (x, HEIGHT - BOTTOM + 18.0), &thousands(count));
        }
    }

    fn draw_lines(&self, svg: &mut String, top: f64) {
        let mut labels = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            let at: Vec<_> = line.points.iter().map(|(count, value)| (self.x(*count), y(*value, top))).collect();
            let path: Vec<_> = at.iter().map(|(x, y)| format!("{x:.1} {y:.1}")).collect();
            put(svg, format_args!("<path class=\"line s{index}\" d=\"M{}\"/>", path.join("L")));
            for (x, y) in &at {
                put(svg, format_args!("<circle class=\"s{index}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>"));
            }
            if let (Some((_, y)), Some((_, value))) = (at.last(), line.points.last()) {
                labels.push((*y, index, format!("{} {}", line.name, number(*value, value / 10.0))));
            }
        }
        labels.sort_by(|(one, ..), (other, ..)| one.total_cmp(other));
        for (y, index, label) in spread(labels) {
            text(svg, &format!("label s{index}"), "start", (WIDTH - RIGHT + 8.0, y + 4.0), &label);
        }
    }

    fn highest(&self) -> f64 {
        self.lines.iter().flat_map(|line| &line.points).map(|(_, value)| *value).fold(0.0, f64::max)
    }

    fn x(&self, count: usize) -> f64 {
        let most = self.lines.iter().flat_map(|line| &line.points).map(|(count, _)| *count).max().unwrap_or_default();
        let [share, all] = match self.scale {
            Scale::Linear => [count, most].map(|count| float(count) - 1.0),
            Scale::Logarithmic => [count, most].map(|count| float(count).log10()),
        };
        // The margins keep the first point off the axis.
        let (from, to) = (LEFT + 12.0, WIDTH - RIGHT - 6.0);
        from + (to - from) * if all > 0.0 { share / all } else { 0.0 }
    }
}

fn y(value: f64, top: f64) -> f64 {
    let (from, to) = (HEIGHT - BOTTOM, TOP);
    from + (to - from) * value / top
}

/// Moves down each label that would touch the one above.
fn spread(mut labels: Vec<(f64, usize, String)>) -> Vec<(f64, usize, String)> {
    for index in 1..labels.len() {
        labels[index].0 = labels[index].0.max(labels[index - 1].0 + LABEL_HEIGHT);
    }
    labels
}

/// A round distance of grid lines. It gives three to five of them, including 0, for values up to this one.
fn step(highest: f64) -> f64 {
    let rough = (highest / 4.0).max(1e-9);
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|step| *step >= rough).unwrap_or(rough)
}

/// A value with as many decimals as a step of this size needs.
fn number(value: f64, step: f64) -> String {
    if step >= 1.0 {
        format!("{value:.0}")
    } else if step >= 0.1 {
        format!("{value:.1}")
    } else {
        format!("{value:.2}")
    }
}

/// A count, abbreviated so that the labels of two powers of ten do not touch.
fn thousands(count: usize) -> String {
    if count >= 1_000 && count.is_multiple_of(1_000) { format!("{}k", count / 1_000) } else { count.to_string() }
}

fn text(svg: &mut String, class: &str, anchor: &str, (x, y): (f64, f64), text: &str) {
    put(svg, format_args!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"));
}

fn put(svg: &mut String, element: std::fmt::Arguments<'_>) {
    writeln!(svg, "{element}").expect("a string takes everything");
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53 of anything")]
fn float(count: usize) -> f64 {
    count as f64
}
